// SPDX-License-Identifier: Apache-2.0

// The clipboard of the desktop, in every form. A write is done when it is answered, and holds
// nobody up; what is large is taken apart off the threads that serve everybody.

#include "actors/act_limits.hpp"
#include "actors/clipboard_fields.hpp"
#include "actors/gateway.hpp"
#include "desktop/workbench.hpp"

#include <boost/asio/post.hpp>

#include <nlohmann/json.hpp>

namespace holt {

namespace {

using nlohmann::json;

constexpr std::size_t large = 256 * 1024; ///< bytes of JSON

struct reading {
  bool primary = false;
  std::string type; ///< media type or `image`; empty: the text as JSON
  http::reply answer;
  boost::asio::any_io_executor blocking;
};

json with_selection(const reading& what, json out) {
  out["selection"] = what.primary ? "primary" : "clipboard";
  return out;
}

void read_text(desktop::clipboard& board, const std::shared_ptr<reading>& what) {
  board.fetch(std::string{desktop::plain_text}, [what](const result<desktop::clip_part>& got) {
    if (!got && got.error().code != errc::not_found)
      return what->answer(http::problem(got.error()));
    auto text = got ? got->bytes : std::make_shared<const std::string>();
    auto make = [what, text] {
      what->answer(http::json_response(200, with_selection(*what, {{"text", *text}})));
    };
    if (text->size() > large)
      boost::asio::post(what->blocking, make);
    else
      make();
  });
}

void read_types(desktop::clipboard& board, const std::shared_ptr<reading>& what) {
  board.list([what](const result<std::vector<std::string>>& types) {
    if (!types)
      return what->answer(http::problem(types.error()));
    what->answer(http::json_response(200, with_selection(*what, {{"types", *types}})));
  });
}

void read_part(desktop::clipboard& board, const std::shared_ptr<reading>& what) {
  board.fetch(what->type, [what](const result<desktop::clip_part>& got) {
    if (got)
      return what->answer(clipboard_part_response(*got));
    auto why = got.error();
    if (why.code == errc::not_found)
      why.detail = "format: nothing like " + what->type + " is on the clipboard";
    what->answer(http::problem(why));
  });
}

void read_board(const gateway_deps& deps, const gateway_call& call, bool list) {
  auto which = read_selection(call.request.query_value("selection").value_or(""), false);
  auto type = list ? result<std::string>{std::string{}} : read_clipboard_format(call.request);
  if (!which || !type)
    return call.answer(http::problem(which ? type.error() : which.error()));
  auto what = std::make_shared<reading>();
  what->primary = which->primary;
  what->type = std::move(*type);
  what->answer = call.answer;
  what->blocking = deps.blocking;
  deps.door->post([what, list](const result<desktop::workbench*>& got) {
    if (!got)
      return what->answer(http::problem(got.error()));
    auto& bench = **got;
    // What was copied before we were asked has been told by the time that this is answered.
    if (auto there = bench.x().ping(); !there)
      return what->answer(http::problem(there.error()));
    bench.pump();
    auto& board = bench.board(what->primary);
    if (list)
      read_types(board, what);
    else if (what->type.empty())
      read_text(board, what);
    else
      read_part(board, what);
  });
}

result<void> write_boards(desktop::workbench& bench, const clipboard_writing& what,
                          const std::string& who) {
  if (what.which.clipboard)
    if (auto set = bench.board(false).set(what.parts, who); !set)
      return set;
  if (what.which.primary)
    if (auto set = bench.board(true).set(what.parts, who); !set)
      return set;
  return bench.x().ping(); // now it holds, whoever asks next
}

/// As clipboard_event() reads it.
std::string author_of(const control::caller& who) {
  return (who.person ? "person " : "agent ") + who.name;
}

void write_board(const gateway_deps& deps, const gateway_call& call) {
  auto body = body_object(call.request);
  if (!body)
    return call.answer(http::problem(body.error()));
  auto what = read_clipboard(*body);
  if (!what)
    return call.answer(http::problem(what.error()));
  auto actor = actor_of(deps, call);
  if (!actor)
    return;
  auto shared = std::make_shared<clipboard_writing>(std::move(*what));
  deps.door->post(
    [shared, gate = deps.gate, activity = deps.activity, actor = *actor, who = author_of(*actor),
     answer = with_epoch(deps.gate, call.answer)](const result<desktop::workbench*>& got) {
      auto may = gate->may_act(actor);
      auto done = !got ? result<void>{got.error()} : !may ? may : write_boards(**got, *shared, who);
      if (!done)
        return answer(control_problem(gate, actor, done.error()));
      json types = json::array();
      for (const auto& part : shared->parts)
        types.push_back(part.type);
      activity.send(activity_append{
        "act",
        {{"act", "clipboard"}, {"bytes", shared->bytes}, {"types", types}, {"name", actor.name}}});
      answer(http::json_response(200, {{"ok", true}}));
    });
}

} // namespace

void gateway::add_clipboard_routes() {
  using http::scope;
  // Who may only watch does not read what was copied: it may be a password.
  get("/v1/desktop/clipboard", scope::input,
      [this](const gateway_call& call) { read_board(deps_, call, false); });
  get("/v1/desktop/clipboard/types", scope::input,
      [this](const gateway_call& call) { read_board(deps_, call, true); });
  route writing{scope::input, false,
                [this](gateway_call call) {
                  if (call.request.body.size() <= large)
                    return write_board(deps_, call);
                  boost::asio::post(deps_.blocking,
                                    [self = shared_from_this(), call = std::move(call)] {
                                      write_board(self->deps_, call);
                                    });
                },
                nullptr};
  writing.max_body_bytes = act_limits::clipboard_body;
  add("POST", "/v1/desktop/clipboard", std::move(writing));
}

} // namespace holt

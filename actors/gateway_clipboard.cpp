// SPDX-License-Identifier: Apache-2.0

// The clipboard of the desktop. A write is done when it is answered, and holds nobody up.

#include "actors/gateway.hpp"
#include "desktop/workbench.hpp"

#include <nlohmann/json.hpp>

namespace holt {

namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using clock = std::chrono::steady_clock;

constexpr auto read_patience = 1'000ms; ///< for the program that has just copied something

struct boards {
  bool clipboard = false;
  bool primary = false;
};

result<boards> read_selection(std::string_view word, bool both_too) {
  if (word.empty() || word == "clipboard")
    return boards{true, false};
  if (word == "primary")
    return boards{false, true};
  if (both_too && word == "both")
    return boards{true, true};
  return error{errc::invalid_request, both_too ? "selection must be clipboard, primary or both"
                                               : "selection must be clipboard or primary"};
}

void read_board(const gateway_deps& deps, const gateway_call& call) {
  auto which = read_selection(call.request.query_value("selection").value_or(""), false);
  if (!which)
    return call.answer(http::problem(which.error()));
  deps.door->post([primary = which->primary,
                   answer = call.answer](const result<desktop::workbench*>& got) {
    if (!got)
      return answer(http::problem(got.error()));
    auto& bench = **got;
    // What was copied before we were asked has been told by the time that this is answered.
    if (auto there = bench.x().ping(); !there)
      return answer(http::problem(there.error()));
    bench.pump();
    auto until = clock::now() + read_patience;
    bench.wait(
      [&bench, primary, answer, until](clock::time_point now) -> std::optional<clock::time_point> {
        auto& board = bench.board(primary);
        if (board.reading() && now < until)
          return until;
        answer(http::json_response(
          200, {{"text", board.text()}, {"selection", primary ? "primary" : "clipboard"}}));
        return {};
      },
      [answer] { answer(http::problem(x_gone())); });
  });
}

struct writing {
  boards which;
  std::string text;
};

result<writing> read_writing(const json& body) {
  auto text = body.find("text");
  if (text == body.end())
    return error{errc::unprocessable, "text is missing"};
  if (!text->is_string())
    return error{errc::unprocessable, "text must be a string"};
  std::string word;
  if (auto i = body.find("selection"); i != body.end() && !i->is_null()) {
    if (!i->is_string())
      return error{errc::unprocessable, "selection must be a string"};
    word = i->get<std::string>();
  }
  auto which = read_selection(word, true);
  if (!which)
    return which.error();
  return writing{*which, text->get<std::string>()};
}

result<void> write_boards(desktop::workbench& bench, const writing& what) {
  if (what.which.clipboard)
    if (auto set = bench.board(false).set(what.text); !set)
      return set;
  if (what.which.primary)
    if (auto set = bench.board(true).set(what.text); !set)
      return set;
  return bench.x().ping(); // now it holds, whoever asks next
}

void write_board(const gateway_deps& deps, const gateway_call& call) {
  auto body = body_object(call.request);
  if (!body)
    return call.answer(http::problem(body.error()));
  auto what = read_writing(*body);
  if (!what)
    return call.answer(http::problem(what.error()));
  auto actor = actor_of(deps, call);
  if (!actor)
    return;
  auto shared = std::make_shared<writing>(std::move(*what));
  deps.door->post(
    [shared, gate = deps.gate, activity = deps.activity, actor = *actor, who = call.who.name,
     answer = with_epoch(deps.gate, call.answer)](const result<desktop::workbench*>& got) {
      auto may = gate->may_act(actor);
      auto done = !got ? result<void>{got.error()} : !may ? may : write_boards(**got, *shared);
      if (!done)
        return answer(control_problem(gate, actor, done.error()));
      activity.send(activity_append{
        "act", {{"act", "clipboard"}, {"bytes", shared->text.size()}, {"name", who}}});
      answer(http::json_response(200, {{"ok", true}}));
    });
}

} // namespace

void gateway::add_clipboard_routes() {
  using http::scope;
  // Who may only watch does not read what was copied: it may be a password.
  get("/v1/desktop/clipboard", scope::input,
      [this](const gateway_call& call) { read_board(deps_, call); });
  post("/v1/desktop/clipboard", scope::input,
       [this](const gateway_call& call) { write_board(deps_, call); });
}

} // namespace holt

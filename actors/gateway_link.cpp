// SPDX-License-Identifier: Apache-2.0

// The command link over HTTP: what runs, how the links are, and where the Realtime protocol goes.

#include "actors/commands.hpp"
#include "actors/gateway.hpp"
#include "transport/whole_number.hpp"

namespace holt {

namespace {

http::response down() {
  return http::problem({errc::busy, "the command link is not running"});
}

} // namespace

bool is_realtime_path(std::string_view path) {
  return path.starts_with("/realtime/v1/") || path.starts_with("/socket/")
         || path.starts_with("/api/broadcast") || path == "/api/ping";
}

bool gateway::is_realtime(const http::request& head) const {
  return deps_.broker && is_realtime_path(head.path);
}

/// A key for other programs: every channel of the own broker but those of sandboxes.
http::response gateway::app_access(const http::identity& who) const {
  if (!who.may(http::scope::admin))
    return http::problem({errc::forbidden, "this token lacks the scope admin"});
  if (!deps_.broker || !deps_.realtime)
    return http::problem({errc::not_found, "there is no broker of our own"});
  auto own = deps_.realtime({});
  if (!own)
    return http::problem(own.error());
  return http::json_response(200,
                             {{"url", own->value("url", "")}, {"key", deps_.broker->app_key()}});
}

void gateway::add_link_routes() {
  get("/v1/commands", http::scope::view, [this](const gateway_call& call) {
    if (!deps_.commands.send(commands_query{[answer = call.answer](const nlohmann::json& got) {
          answer(http::json_response(200, got));
        }}))
      call.answer(down());
  });
  post("/v1/commands/{n}/cancel", http::scope::exec, [this](const gateway_call& call) {
    const auto& text = call.params.find("n")->second;
    const auto number = whole_number<std::uint64_t>(text);
    if (!number)
      return call.answer(http::problem({errc::invalid_request, "the number is wrong"}));
    if (!deps_.commands.send(
          command_cancel{*number, [answer = call.answer](const result<void>& got) {
                           answer_outcome(answer, got);
                         }}))
      call.answer(down());
  });
  get("/v1/link", http::scope::view, [this](const gateway_call& call) {
    auto answer = [self = shared_from_this(), reply = call.answer](nlohmann::json got) {
      got["broker"] = nullptr;
      if (self->deps_.broker) {
        auto now = self->deps_.broker->stats();
        got["broker"] = {{"sockets", now.sockets},
                         {"members", now.members},
                         {"topics", now.topics},
                         {"received", now.received},
                         {"delivered", now.delivered},
                         {"slowClosed", now.slow_closed},
                         {"mailboxStored", now.mailbox_stored}};
      }
      reply(http::json_response(200, got));
    };
    if (!deps_.commands.send(links_query{answer}))
      answer({{"links", nlohmann::json::array()}});
  });
  // Whoever may run commands may also hand out the key to do so.
  get("/v1/link/access", http::scope::exec, [this](const gateway_call& call) {
    const auto app = call.request.query_value("app").value_or("0");
    if (app != "0" && app != "1")
      return call.answer(http::problem({errc::invalid_request, "app must be 0 or 1"}));
    if (app == "1")
      return call.answer(app_access(call.who));
    auto session = call.request.query_value("session");
    auto got = deps_.realtime ? deps_.realtime(std::string{session.value_or("")})
                              : result<nlohmann::json>{error{errc::not_found, "there is no link"}};
    call.answer(got ? http::json_response(200, *got) : http::problem(got.error()));
  });
}

} // namespace holt

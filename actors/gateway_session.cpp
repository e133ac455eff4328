// SPDX-License-Identifier: Apache-2.0

// Signing in: links, browser sessions.

#include "actors/gateway.hpp"

namespace holt {

namespace {

nlohmann::json who_document(const http::identity& who) {
  return {{"scopes", http::words(who.scopes)}, {"name", who.name}};
}

/// Empty where it is missing.
result<std::string> text_of(const nlohmann::json& body, const char* name) {
  auto i = body.find(name);
  if (i == body.end() || i->is_null())
    return std::string{};
  if (!i->is_string())
    return error{errc::unprocessable, std::string{name} + " must be a string"};
  return i->get<std::string>();
}

/// The address under which this request found us.
std::string own_url(const http::request& what) {
  return "http://" + std::string{what.header_value("host")};
}

} // namespace

void gateway::add_session_routes() {
  open_route("POST", "/v1/session", [this](const gateway_call& call) {
    auto body = own_body(call.request, {"ticket", "token"});
    auto ticket = body ? text_of(*body, "ticket") : result<std::string>{body.error()};
    auto token = ticket ? text_of(*body, "token") : ticket;
    if (!token)
      return call.answer(http::problem(token.error()));
    auto opened = deps_.authority->open_session(call.request, *ticket, *token);
    if (!opened)
      return call.answer(http::problem(opened.error()));
    auto out = http::json_response(200, who_document(opened->who));
    out.headers.push_back({"Set-Cookie", opened->cookie});
    out.headers.push_back({"Cache-Control", "no-store"});
    call.answer(std::move(out));
  });
  get("/v1/session", http::scope::view, [](const gateway_call& call) {
    call.answer(http::json_response(200, who_document(call.who)));
  });
  open_route("DELETE", "/v1/session", [this](const gateway_call& call) {
    http::response out;
    out.status = 204;
    out.headers.push_back({"Set-Cookie", deps_.authority->close_session(call.request)});
    call.answer(std::move(out));
  });
  // A link for somebody else never allows more than the one who asks may do.
  post("/v1/tickets", http::scope::admin, [this](const gateway_call& call) {
    auto body = own_body(call.request, {"view"});
    if (!body)
      return call.answer(http::problem(body.error()));
    auto view = body->find("view");
    const bool given = view != body->end() && !view->is_null();
    if (given && !view->is_boolean())
      return call.answer(http::problem({errc::unprocessable, "view must be true or false"}));
    const bool only_view = given && view->get<bool>();
    auto scopes = only_view ? http::scopes{http::scope::view} : call.who.scopes;
    auto ticket = deps_.authority->make_ticket(scopes, false, call.who);
    call.answer(http::json_response(
      200, {{"link", own_url(call.request) + "/#ticket=" + ticket}, {"ticket", ticket}}));
  });
}

} // namespace holt

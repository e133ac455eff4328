// SPDX-License-Identifier: Apache-2.0
#include "actors/engine_client.hpp"

#include "transport/http_client.hpp"
#include "transport/secret.hpp"

#include <nlohmann/json.hpp>

namespace holt {

namespace {

using nlohmann::json;

error said(const std::string& what, unsigned status, const std::string& body) {
  auto parsed = json::parse(body, nullptr, false);
  std::string why;
  if (parsed.is_object() && parsed.contains("message") && parsed["message"].is_string())
    why = ": " + parsed["message"].get<std::string>();
  return {errc::engine_unavailable,
          "the stream engine answered " + std::to_string(status) + " to " + what + why};
}

/// Fields that are left out default to true in neko: name all.
json full_profile(const engine_profile& who) {
  json out{
    {"name", who.name},
    {"is_admin", false},
    {"can_login", true},
    {"can_connect", true},
    {"can_watch", true},
    {"can_host", who.may_drive},
    {"can_share_media", false},
    {"can_access_clipboard", who.may_drive},
    {"sends_inactive_cursor", false},
    {"can_see_inactive_cursors", false},
    {"plugins", json::object()},
  };
  if (who.dom_wheel)
    out["plugins"]["wheel"] = "dom";
  return out;
}

} // namespace

engine_client::engine_client(boost::asio::io_context::executor_type executor, engine_address where,
                             std::chrono::milliseconds timeout)
  : executor_{std::move(executor)}, where_{std::move(where)}, timeout_{timeout} {}

void engine_client::call(const std::string& method, const std::string& target,
                         const std::string& body, bool admin, std::chrono::milliseconds timeout,
                         answer<reply> done) const {
  http::client_request request;
  request.host = "127.0.0.1";
  request.port = where_.port;
  request.method = method;
  request.target = target;
  request.timeout = timeout;
  if (admin)
    request.headers.push_back({"Authorization", "Bearer " + where_.api_token.reveal()});
  if (!body.empty()) {
    request.headers.push_back({"Content-Type", "application/json"});
    request.body = body;
  }
  http::http_call(
    executor_, std::move(request),
    [what = method + " " + target, done = std::move(done)](const result<http::response>& got) {
      if (!got) {
        done(error{errc::engine_no_answer,
                   "the stream engine did not answer " + what + ": " + got.error().detail});
        return;
      }
      done(reply{got->status, got->body ? *got->body : std::string{}});
    });
}

void engine_client::command(const std::string& method, const std::string& target,
                            answer<void> done) const {
  call(method, target, "", true, timeout_,
       [what = method + " " + target, done = std::move(done)](const result<reply>& got) {
         if (!got)
           done(got.error());
         else if (got->status >= 300)
           done(said(what, got->status, got->body));
         else
           done({});
       });
}

void engine_client::make_account(const engine_profile& profile, answer<engine_account> done) const {
  auto name = "viewer-" + random_secret(12);
  auto password = random_secret();
  json member{{"username", name}, {"password", password}, {"profile", full_profile(profile)}};
  json login{{"username", name}, {"password", password}};
  call(
    "POST", "/api/members", member.dump(), true, timeout_,
    [self = *this, name, login = login.dump(), done = std::move(done)](const result<reply>& made) {
      if (!made) {
        self.drop_account(name, [](const result<void>&) {}); // it may have been made
        return done(made.error());
      }
      if (made->status >= 300)
        return done(said("making an account", made->status, made->body));
      self.call("POST", "/api/login", login, false, self.timeout_,
                [name, self, done](const result<reply>& in) {
                  auto body = in ? json::parse(in->body, nullptr, false) : json{};
                  if (in && in->status < 300 && body.is_object() && body.contains("token")
                      && body["token"].is_string() && body.contains("id")
                      && body["id"].is_string()) {
                    done(engine_account{body["id"], log::secret{body["token"]}});
                    return;
                  }
                  self.drop_account(name, [](const result<void>&) {});
                  done(in ? said("the log-in", in->status, in->body) : in.error());
                });
    });
}

void engine_client::drop_account(const std::string& id, answer<void> done) const {
  command("DELETE", "/api/members/" + id, std::move(done));
}

void engine_client::give_control(const std::string& session, answer<void> done) const {
  command("POST", "/api/room/control/give/" + session, std::move(done));
}

void engine_client::reset_control(answer<void> done) const {
  command("POST", "/api/room/control/reset", std::move(done));
}

void engine_client::health(std::chrono::milliseconds timeout, answer<void> done) const {
  call("GET", "/health", "", false, timeout, [done = std::move(done)](const result<reply>& got) {
    if (!got)
      done(got.error());
    else if (got->status != 200)
      done(error{errc::engine_no_answer, "GET /health answered " + std::to_string(got->status)
                                           + (got->body.empty() ? "" : ": " + got->body)});
    else
      done({});
  });
}

void engine_client::metrics(answer<std::string> done) const {
  call("GET", "/metrics", "", true, std::chrono::seconds{1},
       [done = std::move(done)](const result<reply>& got) {
         if (!got)
           done(got.error());
         else
           done(got->body);
       });
}

void engine_client::session_count(answer<std::size_t> done) const {
  call("GET", "/api/sessions", "", true, std::chrono::seconds{1},
       [done = std::move(done)](const result<reply>& got) {
         auto body = got ? json::parse(got->body, nullptr, false) : json{};
         if (!got)
           done(got.error());
         else if (!body.is_array())
           done(said("GET /api/sessions", got->status, got->body));
         else
           done(body.size());
       });
}

} // namespace holt

// SPDX-License-Identifier: Apache-2.0

// The supervision tree and the feed.

#include "actors/gateway.hpp"
#include "transport/whole_number.hpp"

namespace holt {

namespace {

constexpr std::size_t page_limit = 1'000;

result<std::uint64_t> number(const http::request& request, std::string_view name) {
  auto text = request.query_value(name);
  if (!text)
    return std::uint64_t{0};
  const auto value = whole_number<std::uint64_t>(*text);
  if (!value)
    return error{errc::invalid_request, std::string{name} + " must be a number"};
  return *value;
}

/// Stopping one of these would lock everybody out, also whoever wants to start it again.
bool carries_api(const child_id& id) {
  return id == "gateway" || id == "lobby" || id == "control" || id == "activity";
}

http::response tree_document(const supervision::tree_report& tree) {
  auto body = tree_to_json(tree.nodes);
  body["ready"] = tree.ready;
  body["degraded"] = tree.degraded;
  return http::json_response(200, body);
}

http::response page_document(const activity_page& page) {
  std::string text = R"({"events":[)";
  for (const auto& event : page.events) {
    if (text.back() != '[')
      text += ',';
    text += *event.text;
  }
  text += R"(],"next":)" + std::to_string(page.next) + R"(,"first":)" + std::to_string(page.first)
          + "}";
  http::response out;
  out.headers.push_back({"Content-Type", "application/json"});
  out.body = std::make_shared<const std::string>(std::move(text));
  return out;
}

} // namespace

void gateway::add_tree_routes() {
  get("/v1/supervision", http::scope::view, [this](const gateway_call& call) {
    deps_.tree->snapshot([answer = call.answer](const result<supervision::tree_report>& got) {
      answer(got ? tree_document(*got) : http::problem(got.error()));
    });
  });
  using act = void (tree_client::*)(const child_id&, tree_client::answer<void>) const;
  auto add_act = [this](std::string_view pattern, act what) {
    post(pattern, http::scope::admin, [this, what](const gateway_call& call) {
      auto id = call.params.find("id")->second;
      if (what == &tree_client::stop && carries_api(id))
        return call.answer(http::problem(
          {errc::conflict, id + " carries this API: restart it, or end the daemon instead"}));
      ((*deps_.tree).*what)(
        id, [answer = call.answer](const result<void>& got) { answer_outcome(answer, got); });
    });
  };
  add_act("/v1/supervision/{id}/start", &tree_client::start);
  add_act("/v1/supervision/{id}/stop", &tree_client::stop);
  add_act("/v1/supervision/{id}/restart", &tree_client::restart);

  get("/v1/activity", http::scope::view, [this](const gateway_call& call) {
    auto after = number(call.request, "after");
    if (!after)
      return call.answer(http::problem(after.error()));
    deps_.activity.send(
      activity_query{*after, page_limit,
                     [answer = call.answer](activity_page page) { answer(page_document(page)); }});
  });
  websocket(
    "/v1/activity/ws", http::scope::view,
    [this](const http::upgrade_ptr& what, const http::identity&) { follow_activity(what); });
}

void gateway::follow_activity(const http::upgrade_ptr& what) {
  auto after = number(what->head(), "after");
  if (!after)
    return what->refuse(http::problem(after.error()));
  auto id = ++last_follower_;
  auto self = shared_from_this();
  http::ws_handlers handlers;
  auto socket = std::make_shared<std::weak_ptr<http::ws_connection>>();
  handlers.on_message = [socket](const std::string&, bool) {
    if (auto open = socket->lock())
      open->acknowledge(1); // nothing is expected; it is read so that a close is seen
  };
  handlers.on_close = [self, id](const http::close_reason&) {
    self->deps_.activity.send(activity_unfollow{id});
    std::lock_guard guard{self->followers_mutex_};
    self->followers_.erase(id);
  };
  http::ws_limits limits;
  limits.max_message_bytes = 4 * 1024;
  limits.outbox_bytes = 20 * 1024 * 1024; // the whole ring may be replayed
  what->accept(limits, std::move(handlers), [self, id, after = *after, socket](http::ws_ptr open) {
    *socket = open;
    {
      std::lock_guard guard{self->followers_mutex_};
      self->followers_[id] = open;
    }
    self->deps_.activity.send(activity_follow{
      id, after, [open](const activity_event& event) { return open->send_text(event.text); }});
  });
}

} // namespace holt

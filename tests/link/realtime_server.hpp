// SPDX-License-Identifier: Apache-2.0
#pragma once

// A strict stand-in of Supabase Realtime: answers as the real server does (join echo, presence,
// heartbeat, system before phx_close, refusals) and writes down everything a client may not do.
// Its delays are those of the real one divided by a thousand. One thread of its own.

#include "messages/phoenix_frame.hpp"
#include "tests/transport/http_rig.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <set>

namespace holt::test {

using rig::events;

class realtime_server final : public http::service {
public:
  struct member {
    http::ws_ptr socket;
    phoenix::version version = phoenix::version::v2;
    std::set<std::string> refs;
    std::string join_ref; ///< under way or in force
    bool joining = false;
    bool joined = false;
    bool left = false;
    nlohmann::json meta;
    std::string key;
  };
  using member_ptr = std::shared_ptr<member>;

  explicit realtime_server(http::listener_options options = {})
    : listener_{io_, std::move(options),
                std::shared_ptr<http::service>{std::shared_ptr<void>{}, this}} {
    const auto bound = listener_.start();
    if (!bound)
      throw std::runtime_error(bound.error().detail);
    port = bound->port();
    thread_ = std::thread{[this] { io_.run(); }};
  }
  ~realtime_server() override {
    listener_.close_all(1012, "test over", [this] { work_.reset(); });
    thread_.join();
  }

  std::string url(std::string_view host = "127.0.0.1") const {
    return "http://" + std::string{host} + ":" + std::to_string(port) + "/realtime/v1";
  }

  // -- what the test says

  /// How the next joins end: an error's reason each; then ok.
  void refuse_joins(std::vector<std::string> reasons) {
    const std::lock_guard lock{mutex_};
    refusals_.assign(reasons.begin(), reasons.end());
  }
  /// How the next handshakes end; then 101.
  void refuse_handshakes(std::vector<unsigned> status) {
    const std::lock_guard lock{mutex_};
    statuses_.assign(status.begin(), status.end());
  }
  void answer_joins(bool yes) { answer_joins_ = yes; }
  void answer_beats(bool yes) { answer_beats_ = yes; }

  /// To every member, in its version.
  void broadcast(const std::string& event, const std::string& payload) {
    each([&](member& m) {
      phoenix::frame f;
      f.topic = topic;
      f.event = "broadcast";
      f.payload = R"({"type":"broadcast","event":")" + event + R"(","payload":)" + payload + "}";
      write(m, f);
    });
  }
  void raw(const std::string& text, bool binary = false) {
    each([&](member& m) {
      const auto bytes = std::make_shared<const std::string>(text);
      if (binary)
        m.socket->send_binary(bytes);
      else
        m.socket->send_text(bytes);
    });
  }
  void close_sockets(std::uint16_t code) {
    each([&](member& m) { m.socket->close(code, "said the test"); });
  }
  /// As the server ends a channel: system, then phx_close.
  void end_channels(const std::string& message) {
    each([&](member& m) {
      if (!message.empty())
        push(m, "system",
             {{"extension", "system"},
              {"status", "error"},
              {"message", message},
              {"channel", topic.substr(9)}});
      push(m, "phx_close", nlohmann::json::object());
      m.joined = false;
    });
  }
  void crash_channels() {
    each([&](member& m) {
      push(m, "phx_error", nlohmann::json::object());
      m.joined = false;
    });
  }

  std::vector<std::string> violations() const {
    const std::lock_guard lock{mutex_};
    return violations_;
  }
  std::size_t live() const {
    const std::lock_guard lock{mutex_};
    return members_.size();
  }
  std::vector<std::string> tokens() const {
    const std::lock_guard lock{mutex_};
    return tokens_;
  }

  const std::string topic = "realtime:sandbox:s1";
  const std::string key = "anon+key/=";
  std::uint16_t port = 0;
  events seen; ///< "open", "join", "refused", "leave", "beat", "sent <payload>", "track", "closed"
  std::atomic<int> handshakes{0};
  std::atomic<int> joins{0};
  std::atomic<int> broadcasts{0};
  std::atomic<std::size_t> most_live{0};

  // -- http::service
  result<std::uint64_t> admit(const http::request&) override { return error{errc::not_found, {}}; }
  void handle(http::request, http::reply answer) override { answer(http::response{}); }
  void handle_upgrade(http::upgrade_ptr what) override {
    ++handshakes;
    const auto& head = what->head();
    if (head.path != "/realtime/v1/websocket")
      return refuse(*what, 404, "tenant not found");
    if (head.query_value("apikey").value_or("") != key)
      return refuse(*what, 401, "Invalid API key");
    const auto version = phoenix::version_from(head.query_value("vsn"));
    if (!version)
      return refuse(*what, 403, "");
    {
      std::unique_lock lock{mutex_};
      if (!statuses_.empty()) {
        const auto status = statuses_.front();
        statuses_.pop_front();
        lock.unlock();
        return refuse(*what, status, "said the test");
      }
    }
    const auto m = std::make_shared<member>();
    m->version = *version;
    http::ws_limits limits;
    limits.max_message_bytes = 5'000'000;
    limits.outbox_bytes = 64 * 1024 * 1024;
    http::ws_handlers handlers;
    handlers.on_message = [this, m](std::string bytes, bool binary) {
      {
        const std::lock_guard lock{mutex_};
        heard(*m, bytes, binary);
      }
      m->socket->acknowledge(1);
    };
    handlers.on_close = [this, m](http::close_reason why) {
      seen.add("closed " + std::to_string(why.code));
      const std::lock_guard lock{mutex_};
      members_.erase(m);
      m->socket.reset();
    };
    what->accept(limits, std::move(handlers), [this, m](http::ws_ptr ws) {
      const std::lock_guard lock{mutex_};
      m->socket = std::move(ws);
      members_.insert(m);
      most_live = std::max(most_live.load(), members_.size());
      seen.add("open");
    });
  }

private:
  void refuse(http::upgrade& what, unsigned status, const std::string& text) {
    seen.add("refused " + std::to_string(status));
    what.refuse(http::json_response(status, {{"error", text}}));
  }

  void each(const std::function<void(member&)>& use) {
    const std::lock_guard lock{mutex_};
    for (const auto& m : members_)
      if (m->socket)
        use(*m);
  }

  void wrong(const std::string& what) { violations_.push_back(what); }

  void write(member& m, const phoenix::frame& f) {
    m.socket->send_text(
      std::make_shared<const std::string>(phoenix::encode_server_text(m.version, f)));
  }
  void push(member& m, const std::string& event, const nlohmann::json& payload) {
    phoenix::frame f;
    f.join_ref = m.join_ref;
    f.topic = topic;
    f.event = event;
    f.payload = payload.dump();
    if (m.version == phoenix::version::v1)
      f.ref = m.join_ref;
    write(m, f);
  }
  void reply(member& m, const phoenix::frame& to, bool ok, nlohmann::json response) {
    phoenix::frame f;
    f.join_ref = to.join_ref;
    f.ref = to.ref;
    f.topic = to.topic;
    f.event = "phx_reply";
    f.payload = nlohmann::json{{"status", ok ? "ok" : "error"}, {"response", response}}.dump();
    write(m, f);
  }

  void heard(member& m, const std::string& bytes, bool binary) {
    if (binary)
      return wrong("a binary frame");
    const auto f = phoenix::decode_text(m.version, bytes);
    if (!f)
      return wrong("no frame: " + bytes.substr(0, 60));
    if (!f->ref || f->ref->empty())
      return wrong(f->event + " without ref");
    if (!m.refs.insert(*f->ref).second)
      wrong("the ref " + *f->ref + " was used twice");
    if (f->event == "heartbeat")
      return beat(m, *f);
    if (f->topic != topic)
      return wrong("a topic nobody asked for: " + f->topic);
    if (f->event == "phx_join")
      return join(m, *f);
    if (!f->join_ref || *f->join_ref != m.join_ref)
      return wrong(f->event + " with an old join_ref");
    if (!m.joined)
      return unmatched(m, *f);
    if (f->event == "broadcast")
      return taken(m, *f);
    if (f->event == "presence")
      return track(m, *f);
    if (f->event == "access_token") {
      tokens_.push_back(nlohmann::json::parse(f->payload).value("access_token", ""));
      return seen.add("token " + tokens_.back());
    }
    if (f->event == "phx_leave") {
      m.joined = false;
      reply(m, *f, true, nlohmann::json::object());
      push(m, "phx_close", nlohmann::json::object());
      return seen.add("leave");
    }
    wrong("an event nobody knows: " + f->event);
  }

  void unmatched(member& m, const phoenix::frame& f) {
    if (m.joining)
      wrong(f.event + " before the answer to the join");
    reply(m, f, false, {{"reason", "unmatched topic"}});
  }

  void beat(member& m, const phoenix::frame& f) {
    if (f.topic != "phoenix" || f.join_ref)
      wrong("a malformed heartbeat");
    const bool answers = answer_beats_;
    seen.add("beat");
    if (answers)
      reply(m, f, true, nlohmann::json::object());
  }

  void join(member& m, const phoenix::frame& f) {
    if (m.joining)
      wrong("two joins in flight");
    if (f.join_ref != f.ref)
      wrong("a join whose join_ref is not its ref");
    m.joining = true;
    m.joined = false;
    m.join_ref = *f.ref;
    ++joins;
    const auto payload = nlohmann::json::parse(f.payload, nullptr, false);
    if (!payload.is_object() || !payload.contains("config")) {
      wrong("a join without config");
      return;
    }
    m.key = payload["config"]["presence"].value("key", "");
    tokens_.push_back(payload.value("access_token", ""));
    const bool answers = answer_joins_; // as it was when the join came
    seen.add("join");
    if (!answers)
      return;
    if (!refusals_.empty()) {
      const auto reason = refusals_.front();
      refusals_.pop_front();
      // 5 s at the real server.
      const auto timer
        = std::make_shared<boost::asio::steady_timer>(io_, std::chrono::milliseconds{5});
      timer->async_wait([this, timer, f, who = find(m), reason](boost::system::error_code) {
        const std::lock_guard lock{mutex_};
        if (!who || !who->socket)
          return;
        who->joining = false;
        reply(*who, f, false, {{"reason", reason}});
        if (reason.starts_with("ClientJoinRateLimitReached"))
          who->socket->close(1001, "");
        seen.add("refused");
      });
      return;
    }
    m.joining = false;
    m.joined = true;
    reply(m, f, true, {{"postgres_changes", nlohmann::json::array()}});
    push(m, "presence_state", nlohmann::json::object());
    seen.add("joined");
  }

  member_ptr find(const member& m) const {
    for (const auto& one : members_)
      if (one.get() == &m)
        return one;
    return nullptr;
  }

  void taken(member& m, const phoenix::frame& f) {
    const auto user = phoenix::user_message_of(f);
    if (!user)
      return wrong("a broadcast without event");
    ++broadcasts;
    seen.add("sent " + user->event + " " + user->payload.substr(0, 200));
    reply(m, f, true, nlohmann::json::object());
  }

  void track(member& m, const phoenix::frame& f) {
    const auto payload = nlohmann::json::parse(f.payload);
    if (payload.value("event", "") != "track" || !payload["payload"].is_object())
      return wrong("a malformed track");
    auto meta = payload["payload"];
    meta["phx_ref"] = "r-" + std::to_string(++metas_);
    reply(m, f, true, nlohmann::json::object());
    push(m, "presence_diff",
         {{"joins", {{m.key, {{"metas", nlohmann::json::array({meta})}}}}},
          {"leaves", nlohmann::json::object()}});
    seen.add("track " + payload["payload"].dump());
  }

  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{
    io_.get_executor()};
  http::listener listener_;
  std::thread thread_;
  mutable std::mutex mutex_;
  std::set<member_ptr> members_;
  std::deque<std::string> refusals_;
  std::deque<unsigned> statuses_;
  std::vector<std::string> violations_;
  std::vector<std::string> tokens_;
  std::atomic<bool> answer_joins_{true};
  std::atomic<bool> answer_beats_{true};
  int metas_ = 0;
};

} // namespace holt::test

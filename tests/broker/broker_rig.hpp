// SPDX-License-Identifier: Apache-2.0
#pragma once

// A broker behind a real listener, and clients that speak Phoenix over real sockets. Every wait has
// the limit of the rig below.

#include "broker/broker.hpp"
#include "messages/json_text.hpp"
#include "messages/phoenix_frame.hpp"
#include "tests/transport/ws_frames.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <optional>

namespace rig {

using nlohmann::json;

class broker_service final : public http::service {
public:
  result<std::uint64_t> admit(const http::request&) override { return 8u << 20; }
  void handle(http::request what, http::reply answer) override {
    if (what.path.find("/api/") != std::string::npos)
      to->handle(std::move(what), std::move(answer));
    else
      answer(http::problem({errc::not_found, {}}));
  }
  void handle_upgrade(http::upgrade_ptr what) override {
    if (what->head().path.ends_with("/websocket"))
      to->handle_upgrade(std::move(what));
    else
      what->refuse(http::problem({errc::not_found, {}}));
  }
  void let_go() {}
  void ended() { to.reset(); } // its clock keeps the threads busy
  std::shared_ptr<broker::broker> to;
};

class broker_server : public server_of<broker_service> {
public:
  explicit broker_server(broker::broker_options how = {}) {
    if (how.jwt_secret.empty())
      how.jwt_secret = log::secret{"a secret of the tests"};
    auto made = broker::broker::make(io, std::move(how));
    if (!made)
      throw std::runtime_error(made.error().detail);
    app->to = *made;
    start();
  }
  broker::broker& operator*() const { return *app->to; }
  broker::broker* operator->() const { return app->to.get(); }
};

/// A frame as JSON whatever its version: {join_ref, ref, topic, event, payload}.
struct said {
  std::string topic;
  std::string event;
  json payload;
  json ref;
  json join_ref;
  bool has_ref = true; ///< the key was there
  std::string bytes;   ///< of a binary frame
  unsigned close = 0;  ///< of a close frame; 1: the connection ended

  /// What stands there in the payload (a JSON pointer), by value.
  json at(const std::string& pointer) const {
    return payload.value(json::json_pointer{pointer}, json());
  }
};

class phoenix_client : public ws_client_raw {
public:
  phoenix_client(const broker_server& to, const std::string& key, const std::string& vsn = "2.0.0",
                 const std::string& path = "/realtime/v1/websocket")
    : ws_client_raw{to.port, 0, path + "?apikey=" + key + (vsn.empty() ? "" : "&vsn=" + vsn)},
      v2_{vsn == "2.0.0"} {}

  void push(const std::string& topic, const std::string& event, const json& payload,
            const json& ref = nullptr, const json& join_ref = nullptr) {
    const json frame = v2_ ? json::array({join_ref, ref, topic, event, payload})
                           : json{{"topic", topic},
                                  {"event", event},
                                  {"payload", payload},
                                  {"ref", ref},
                                  {"join_ref", join_ref}};
    send_text(frame.dump());
  }
  void send_text(const std::string& text) { send(frame(1, text)); }
  void send_binary(const std::string& bytes) { send(frame(2, bytes)); }
  void broadcast(const std::string& topic, const std::string& event, const json& payload,
                 const json& ref = nullptr) {
    push(topic, "broadcast", {{"type", "broadcast"}, {"event", event}, {"payload", payload}}, ref,
         "1");
  }

  said next() {
    while (true) {
      const auto got = read();
      said out;
      if (got.opcode == 9 && answers_pings) {
        send(frame(10, got.payload));
        ++pongs;
      }
      if (got.opcode == 9 || got.opcode == 10)
        continue;
      if (got.opcode == 0xff) {
        out.close = 1;
        return out;
      }
      if (got.opcode == 8) {
        out.close = got.payload.size() < 2 ? 1005
                                           : static_cast<unsigned char>(got.payload[0]) * 256u
                                               + static_cast<unsigned char>(got.payload[1]);
        return out;
      }
      if (got.opcode == 2) {
        out.bytes = got.payload;
        return out;
      }
      const auto frame = json::parse(got.payload);
      if (v2_) {
        out.join_ref = frame[0];
        out.ref = frame[1];
        out.topic = frame[2];
        out.event = frame[3];
        out.payload = frame[4];
      } else {
        out.topic = frame.at("topic");
        out.event = frame.at("event");
        out.payload = frame.at("payload");
        out.has_ref = frame.contains("ref") && frame.size() == 4;
        out.ref = frame.value("ref", json());
      }
      return out;
    }
  }
  /// The next frame of this event; others before it are skipped.
  said next(const std::string& event) {
    while (true) {
      auto got = next();
      if (got.event == event || got.close != 0)
        return got;
    }
  }
  /// Joins and waits for the reply.
  said join(const std::string& topic, const json& config = json::object(),
            const json& more = json::object()) {
    json payload{{"config", config}};
    payload.update(more);
    push(topic, "phx_join", payload, "1", "1");
    return next("phx_reply");
  }
  bool joined(const std::string& topic, const json& config = json::object()) {
    return join(topic, config).payload.value("status", "") == "ok";
  }
  /// A round trip: everything that was under way before has arrived.
  void settle() {
    push("phoenix", "heartbeat", json::object(), "hb");
    while (true) {
      const auto got = next();
      if (got.close != 0 || got.ref == "hb")
        return;
      skipped.push_back(got);
    }
  }
  bool answers_pings = true; ///< as every client does that reads
  std::size_t pongs = 0;     ///< sent so far
  std::vector<said> skipped; ///< what settle() passed over

private:
  bool v2_;
};

} // namespace rig

// SPDX-License-Identifier: Apache-2.0
#pragma once

// One way to reach agents: a channel `sandbox:{session}` on Supabase Realtime (realtime_client) or
// on the daemon's own broker. What stands above (actors/commands) does not know which. Thread-safe;
// nothing blocks.

#include "messages/error.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace holt::link {

struct link_limits {
  std::size_t max_payload = 256'000; ///< bytes of one message's payload
  unsigned messages_per_second = 0;  ///< of one token bucket; 0: unlimited
};

class link_source;

/// A broadcast that came.
struct link_message {
  std::string event;
  std::string payload;                 ///< JSON text; may be anything, also no object
  std::string message_id;              ///< meta.id; may be empty
  bool replayed = false;               ///< out of a mailbox
  std::int64_t place = 0;              ///< its order among all of its source
  unsigned returned = 0;               ///< how often it came back
  std::shared_ptr<link_source> source; ///< wants to know what becomes of it; may be null
};

/// Where messages come from that must not get lost between being heard and being dealt with.
/// Thread-safe; never blocks.
class link_source {
public:
  virtual ~link_source() = default;
  /// It was dealt with: answered, or in the journal.
  virtual void settled(const link_message& what) = 0;
  /// It was not, and whoever had it is gone: it is to be given to the next one who listens.
  virtual void take_back(link_message what) = 0;
};

/// A message in somebody's hands. When these are gone before settle(), it goes back; not for ever,
/// since it may be what brings them down.
class held_message {
public:
  explicit held_message(link_message what) : what_{std::move(what)} {}
  held_message(const held_message&) = delete;
  held_message& operator=(const held_message&) = delete;
  ~held_message();
  const link_message& what() const noexcept { return what_; }
  void settle();

private:
  link_message what_;
  bool settled_ = false;
};
using held_message_ptr = std::shared_ptr<held_message>;

/// Somebody who is present in the channel.
struct link_presence {
  std::string key;
  nlohmann::json meta;
};

struct link_events {
  /// Joined: what is sent from now on goes out.
  std::function<void(link_limits)> on_up;
  /// Not joined any more, or could not join; `why` has a word of its own and a sentence. `since` is
  /// when the last byte was heard of the other side: what was sent after it may be lost.
  std::function<void(error why, std::chrono::system_clock::time_point since)> on_down;
  std::function<void(link_message)> on_message;
  /// All metas of role `sandbox`, after each change.
  std::function<void(std::vector<link_presence>)> on_presence;
};

class link_port {
public:
  virtual ~link_port() = default;
  /// False: not joined, or the outbox is full; then it was not and will not be sent.
  virtual bool send(const std::string& event, std::shared_ptr<const std::string> payload) = 0;
  /// What presence says of this daemon: sent at each join. `{role, id, boot, since, proto}`.
  virtual void set_presence(nlohmann::json meta) = 0;
  /// Whether an agent that hears `send` is joined, as far as this side knows (the own broker
  /// knows).
  virtual bool somebody_listens() const { return true; }
  /// For people: `state`, `url`, `session`, `since`, `lastError`.
  virtual nlohmann::json status() const = 0;
  /// Leaves and closes; on_down does not follow.
  virtual void close() = 0;
};

using link_port_ptr = std::shared_ptr<link_port>;

} // namespace holt::link

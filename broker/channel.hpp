// SPDX-License-Identifier: Apache-2.0
#pragma once

// A socket's membership in one room: what it asked for at its join, and the frames it gets. Made by
// its socket; told by its room under the room's lock, when it only queues.

#include "broker/call_limits.hpp"
#include "broker/join_config.hpp"
#include "broker/keys.hpp"
#include "broker/room.hpp"
#include "transport/http_types.hpp"

#include <atomic>
#include <optional>
#include <string>

namespace holt::broker {

struct channel_setup {
  http::ws_ptr ws;
  phoenix::version version = phoenix::version::v1;
  std::string topic;
  std::optional<std::string> join_ref;
  std::optional<std::string> ref; ///< of the join
  join_config config;
  claims who;
  bool mimic_kind4 = false;
  unsigned presence_calls = 0;                ///< in 30 s; 0: unlimited
  std::atomic<std::uint64_t>* slow = nullptr; ///< counts members that were too slow
};

class channel final : public member {
public:
  channel(channel_setup how, side which)
    : member{which}, calls{how.presence_calls, std::chrono::seconds{30}}, how_{std::move(how)} {}

  void begin(const std::string& present) override;
  std::optional<replay_wish> wishes() const override { return how_.config.replay; }
  void begun() override;
  took hand(const letter& what) override;
  bool prove(std::function<void()> read) override;
  bool hear(outgoing& what) override;
  std::size_t waiting() const override { return how_.ws->outbox(); }
  void too_slow() override;

  void reply(const std::optional<std::string>& ref, bool good, std::string_view response) const;
  /// `status` error, extension `system`; realtime-py wants all four fields.
  void system(std::string_view extension, bool good, std::string_view message) const;
  void closed() const; ///< phx_close

  const channel_setup& how() const noexcept { return how_; }

  room_ptr in;            ///< the socket's
  window_limit calls;     ///< the socket's: track and untrack
  claims token;           ///< the socket's: of the join or the last access_token
  std::string token_text; ///< the socket's

private:
  void send(std::string_view event, std::string payload, const std::optional<std::string>& ref,
            bool with_join_ref = true) const;

  bool taken(bool sent);

  const channel_setup how_;
  bool slow_ = false;
};

using channel_ptr = std::shared_ptr<channel>;

/// `{"status":…,"response":…}`
std::string reply_payload(bool good, std::string_view response);
/// `{"reason":…}`
std::string reason(std::string_view text);

} // namespace holt::broker

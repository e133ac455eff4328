// SPDX-License-Identifier: Apache-2.0
#pragma once

// All viewers' media connections and what they share: the UDP socket, the certificate, the SCTP
// stack, the history of packets and one timer. Owned by the engine; io thread only, except send().
// It knows nothing of sessions, roles or input.

#include "stream/peer.hpp"
#include "stream/udp_mux.hpp"

#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <map>
#include <utility>

namespace holt::stream {

struct pool_settings {
  udp_endpoint bind;                  ///< port 0: any
  std::vector<std::string> advertise; ///< addresses offered instead of the bound one
};

struct pool_handlers {
  /// Connected viewers that want video and sound, after each change.
  std::function<void(unsigned video, unsigned audio)> viewers;
  /// A key frame is needed; at most once in 100 ms.
  std::function<void()> key_wanted;
};

struct pool_counters {
  std::uint64_t frames = 0;
  std::uint64_t frames_dropped = 0; ///< the io thread did not keep up
  std::uint64_t refused_checks = 0;
  std::uint64_t peers_made = 0;
  std::uint64_t peers_failed = 0;
  std::uint64_t retransmitted = 0; ///< packets
};

class peer_pool {
public:
  static constexpr std::size_t most_peers = 256;
  static constexpr std::chrono::milliseconds tick_interval{50};
  static constexpr std::chrono::milliseconds key_interval{100};

  peer_pool(boost::asio::io_context& io, std::shared_ptr<dtls_identity> identity, pool_handlers on);
  ~peer_pool();
  peer_pool(const peer_pool&) = delete;
  peer_pool& operator=(const peer_pool&) = delete;

  result<void> open(const pool_settings& settings);
  /// Closes every peer and the socket; idempotent.
  void close();

  /// A new connection; null when there are most_peers already.
  peer_ptr create(peer_handlers on);

  /// Any thread: a frame for all viewers. At most 64 wait; then frames are dropped and a key frame
  /// is asked for.
  void send(frame_ptr frame);

  std::uint16_t port() const { return mux_.port(); }
  std::size_t size() const noexcept { return peers_.size(); }
  std::string addresses() const; ///< what is offered, for people
  const pool_counters& counters() const noexcept { return counters_; }
  const mux_counters& socket_counters() const noexcept { return mux_.counters(); }

private:
  friend class peer;

  // For peers.
  udp_mux& mux() noexcept { return mux_; }
  sctp_stack& sctp() noexcept { return sctp_; }
  const rtp_history& history() const noexcept { return history_; }
  const media_ssrcs& ssrcs() const noexcept { return ssrcs_; }
  const std::string& cname() const noexcept { return cname_; }
  const std::shared_ptr<dtls_identity>& identity() const noexcept { return identity_; }
  std::uint32_t send_time() const noexcept { return send_time_; }
  offer_input offer_for(const ice_agent& ice) const;
  void recount();
  void want_key();
  void count_retransmission() noexcept { ++counters_.retransmitted; }
  void retire(peer& which, bool was_connected);

  void on_datagram(bytes_span datagram, const udp_endpoint& from);
  void on_check(bytes_view datagram, const udp_endpoint& from);
  void deliver(const frame_ptr& frame);
  void recover();
  void arm();
  void on_tick();

  boost::asio::io_context& io_;
  std::shared_ptr<dtls_identity> identity_;
  pool_handlers on_;
  udp_mux mux_;
  sctp_stack sctp_;
  rtp_history history_;
  media_ssrcs ssrcs_;
  std::string cname_;
  std::vector<media_candidate> candidates_;
  std::map<std::string, peer_ptr, std::less<>> peers_;     ///< by our ufrag
  std::map<udp_endpoint, std::weak_ptr<peer>> by_address_; ///< proven by a check
  std::vector<peer_ptr> retired_;                          ///< closed, freed by a post
  boost::asio::steady_timer timer_;
  bool ticking_ = false;
  steady_time last_tick_{};
  bool key_wanted_ = false;
  steady_time last_key_{};
  unsigned video_viewers_ = 0;
  unsigned audio_viewers_ = 0;
  std::uint32_t send_time_ = 0;
  std::atomic<unsigned> waiting_{0}; ///< frames posted and not delivered
  std::atomic<bool> overrun_{false};
  pool_counters counters_;
  bool closed_ = false;
};

} // namespace holt::stream

// SPDX-License-Identifier: Apache-2.0
#pragma once

// The one UDP socket of all viewers: reads up to 64 datagrams a system call, collects outgoing
// ones and sends up to 64 a call. Owned by the peer pool; io thread; never blocks: what the kernel
// does not take is dropped and counted, as a network would.

#include "messages/error.hpp"
#include "stream/stun.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include <functional>
#include <memory>

namespace holt::stream {

/// What a datagram is, by its first byte (RFC 7983).
enum class datagram_kind { stun, dtls, media, unknown };
datagram_kind kind_of(bytes_view datagram) noexcept;

struct mux_counters {
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t dropped = 0; ///< not taken by the kernel
};

class udp_mux {
public:
  static constexpr std::size_t batch = 64;
  static constexpr std::size_t slot_bytes = 1500;
  using handler = std::function<void(bytes_span datagram, const udp_endpoint& from)>;

  explicit udp_mux(boost::asio::io_context& io);
  ~udp_mux();

  /// Port 0: any. Answers `port_unavailable` when it is taken.
  result<void> open(const udp_endpoint& where, handler on_datagram);
  void close();
  std::uint16_t port() const;

  /// Room for the next datagram, of slot_bytes; valid until commit().
  bytes_span slot();
  /// The first `size` bytes of the slot go to `to` with the next flush; a full batch flushes.
  void commit(std::size_t size, const udp_endpoint& to);
  /// Send what was committed, now.
  void flush();
  /// One datagram at once, after what was committed.
  void send(bytes_view datagram, const udp_endpoint& to);

  const mux_counters& counters() const noexcept { return counters_; }

private:
  struct buffers;
  void wait();
  void receive();

  boost::asio::ip::udp::socket socket_;
  handler on_datagram_;
  std::unique_ptr<buffers> buffers_;
  std::size_t waiting_ = 0; ///< committed datagrams
  mux_counters counters_;
};

} // namespace holt::stream

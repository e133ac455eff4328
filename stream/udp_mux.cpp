// SPDX-License-Identifier: Apache-2.0
#include "stream/udp_mux.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace holt::stream {

datagram_kind kind_of(bytes_view datagram) noexcept {
  if (datagram.empty())
    return datagram_kind::unknown;
  auto first = datagram[0];
  if (first < 4)
    return datagram_kind::stun;
  if (first >= 20 && first < 64)
    return datagram_kind::dtls;
  if (first >= 128 && first < 192)
    return datagram_kind::media;
  return datagram_kind::unknown;
}

struct udp_mux::buffers {
  struct lane {
    std::array<std::array<std::uint8_t, slot_bytes>, batch> bytes;
    std::array<sockaddr_storage, batch> names;
    std::array<iovec, batch> parts;
    std::array<mmsghdr, batch> heads;
  };
  lane in{};
  lane out{};

  buffers() {
    for (auto* way : {&in, &out})
      for (std::size_t i = 0; i < batch; ++i) {
        way->parts[i] = {way->bytes[i].data(), slot_bytes};
        way->heads[i].msg_hdr.msg_name = &way->names[i];
        way->heads[i].msg_hdr.msg_namelen = sizeof way->names[i];
        way->heads[i].msg_hdr.msg_iov = &way->parts[i];
        way->heads[i].msg_hdr.msg_iovlen = 1;
      }
  }
};

udp_mux::udp_mux(boost::asio::io_context& io)
  : socket_(io), buffers_(std::make_unique<buffers>()) {}

udp_mux::~udp_mux() = default;

result<void> udp_mux::open(const udp_endpoint& where, handler on_datagram) {
  on_datagram_ = std::move(on_datagram);
  boost::system::error_code failed;
  socket_.open(where.protocol(), failed);
  if (!failed)
    socket_.bind(where, failed);
  if (failed)
    return error{errc::port_unavailable, "UDP " + where.address().to_string() + " port "
                                           + std::to_string(where.port()) + ": "
                                           + failed.message()};
  // A key frame for many viewers is a burst; the kernel's cap may make these smaller.
  boost::system::error_code ignored;
  socket_.set_option(boost::asio::socket_base::send_buffer_size(2 << 20), ignored);
  socket_.set_option(boost::asio::socket_base::receive_buffer_size(1 << 20), ignored);
  socket_.non_blocking(true, failed);
  if (failed)
    return error{errc::io, "UDP: " + failed.message()};
  wait();
  return {};
}

void udp_mux::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

std::uint16_t udp_mux::port() const {
  boost::system::error_code ignored;
  return socket_.local_endpoint(ignored).port();
}

void udp_mux::wait() {
  socket_.async_wait(boost::asio::ip::udp::socket::wait_read,
                     [this](const boost::system::error_code& failed) {
                       if (failed || !socket_.is_open())
                         return;
                       receive();
                       if (socket_.is_open())
                         wait();
                     });
}

void udp_mux::receive() {
  auto& in = buffers_->in;
  for (std::size_t i = 0; i < batch; ++i)
    in.heads[i].msg_hdr.msg_namelen = sizeof in.names[i];
  // One batch a turn; other work of the loop comes in between.
  auto n = ::recvmmsg(socket_.native_handle(), in.heads.data(), batch, MSG_DONTWAIT, nullptr);
  for (int i = 0; i < n; ++i) {
    auto at = static_cast<std::size_t>(i);
    const auto& head = in.heads[at];
    if ((head.msg_hdr.msg_flags & MSG_TRUNC) != 0)
      continue;
    udp_endpoint from;
    std::memcpy(from.data(), &in.names[at],
                std::min<std::size_t>(head.msg_hdr.msg_namelen, from.capacity()));
    ++counters_.received;
    on_datagram_(bytes_span{in.bytes[at]}.first(head.msg_len), from);
    if (!socket_.is_open())
      return;
  }
}

bytes_span udp_mux::slot() {
  return buffers_->out.bytes[waiting_];
}

void udp_mux::commit(std::size_t size, const udp_endpoint& to) {
  auto& out = buffers_->out;
  out.parts[waiting_].iov_len = std::min(size, slot_bytes);
  std::memcpy(&out.names[waiting_], to.data(), to.size());
  out.heads[waiting_].msg_hdr.msg_namelen = static_cast<socklen_t>(to.size());
  if (++waiting_ == batch)
    flush();
}

void udp_mux::flush() {
  auto& out = buffers_->out;
  std::size_t done = 0;
  while (done < waiting_ && socket_.is_open()) {
    auto n = ::sendmmsg(socket_.native_handle(), out.heads.data() + done,
                        static_cast<unsigned>(waiting_ - done), MSG_DONTWAIT);
    if (n > 0) {
      for (int i = 0; i < n; ++i)
        counters_.sent_bytes += out.heads[done + static_cast<std::size_t>(i)].msg_len;
      counters_.sent += static_cast<std::uint64_t>(n);
      done += static_cast<std::size_t>(n);
    } else if (errno == EINTR) {
      continue;
    } else {
      auto full = errno == EAGAIN || errno == ENOBUFS;
      auto lost = full ? waiting_ - done : 1; // another error is about the first one's address
      counters_.dropped += lost;
      done += lost;
    }
  }
  waiting_ = 0;
}

void udp_mux::send(bytes_view datagram, const udp_endpoint& to) {
  if (datagram.size() > slot_bytes)
    return;
  std::copy(datagram.begin(), datagram.end(), slot().begin());
  commit(datagram.size(), to);
  flush();
}

} // namespace holt::stream

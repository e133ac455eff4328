// SPDX-License-Identifier: Apache-2.0
#include "stream/sctp.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <array>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#include <usrsctp.h>
#include <utility>
#pragma GCC diagnostic pop

namespace holt::stream {

namespace {

constexpr std::uint16_t port = 5000;
constexpr std::uint16_t channel = 1; ///< odd: we are the DTLS server (RFC 8832)
constexpr std::uint32_t path_mtu = 1150;
constexpr int buffer_bytes = 512 * 1024; ///< a cursor image of 256 x 256 fits
constexpr std::size_t largest_message = 64 * 1024;

enum protocol_id : std::uint32_t { control = 50, text = 51, binary = 53 };

sctp_stack* the_stack = nullptr; ///< usrsctp has one output function for the process

} // namespace

struct sctp_callbacks {
  static int output(void* address, void* data, std::size_t size, std::uint8_t, std::uint8_t) {
    if (the_stack == nullptr)
      return 0;
    auto at = the_stack->associations_.find(reinterpret_cast<std::uintptr_t>(address));
    if (at != the_stack->associations_.end())
      at->second->on_.send({static_cast<const std::uint8_t*>(data), size});
    return 0;
  }

  static void readable(struct ::socket*, void* id, int) {
    if (the_stack == nullptr)
      return;
    auto at = the_stack->associations_.find(reinterpret_cast<std::uintptr_t>(id));
    if (at != the_stack->associations_.end())
      at->second->on_readable();
  }
};

sctp_stack::sctp_stack() {
  the_stack = this;
  usrsctp_init_nothreads(0, sctp_callbacks::output, nullptr);
  usrsctp_sysctl_set_sctp_ecn_enable(0);
  usrsctp_sysctl_set_sctp_asconf_enable(0);
  usrsctp_sysctl_set_sctp_blackhole(2); // no answers to packets of no association
}

sctp_stack::~sctp_stack() {
  // Aborted associations are gone at once; a few rounds end what is left, without waiting.
  for (int i = 0; i < 100 && usrsctp_finish() != 0; ++i)
    usrsctp_handle_timers(100);
  the_stack = nullptr;
}

void sctp_stack::tick(std::chrono::milliseconds since) {
  usrsctp_handle_timers(static_cast<std::uint32_t>(since.count()));
}

sctp_association::sctp_association(sctp_stack& stack, handlers on)
  : stack_(stack), on_(std::move(on)), id_(stack.next_++) {
  stack_.associations_.emplace(id_, this);
  usrsctp_register_address(reinterpret_cast<void*>(id_));
}

sctp_association::~sctp_association() {
  stack_.associations_.erase(id_);
  if (socket_ != nullptr) {
    usrsctp_set_upcall(socket_, nullptr, nullptr);
    usrsctp_close(socket_); // with linger 0: an abort, nothing lingers
  }
  usrsctp_deregister_address(reinterpret_cast<void*>(id_));
}

result<std::unique_ptr<sctp_association>> sctp_association::make(sctp_stack& stack, handlers on) {
  const error failed{errc::internal, "SCTP could not be set up"};
  std::unique_ptr<sctp_association> out{new sctp_association{stack, std::move(on)}};
  out->socket_ = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, nullptr, nullptr, 0, nullptr);
  if (out->socket_ == nullptr)
    return failed;
  auto* s = out->socket_;
  bool fine = usrsctp_set_non_blocking(s, 1) == 0;
  auto set = [&](int level, int name, const auto& value) {
    fine = fine && usrsctp_setsockopt(s, level, name, &value, sizeof value) == 0;
  };
  linger abort_on_close{1, 0};
  set(SOL_SOCKET, SO_LINGER, abort_on_close);
  set(SOL_SOCKET, SO_SNDBUF, buffer_bytes);
  int one = 1;
  set(IPPROTO_SCTP, SCTP_RECVRCVINFO, one); // else the protocol id reads 0
  set(IPPROTO_SCTP, SCTP_NODELAY, one);
  sctp_event changes{};
  changes.se_assoc_id = SCTP_ALL_ASSOC;
  changes.se_type = SCTP_ASSOC_CHANGE;
  changes.se_on = 1;
  set(IPPROTO_SCTP, SCTP_EVENT, changes);
  sctp_initmsg streams{};
  streams.sinit_num_ostreams = 16;
  streams.sinit_max_instreams = 1024;
  set(IPPROTO_SCTP, SCTP_INITMSG, streams);
  sctp_paddrparams path{};
  path.spp_address.ss_family = AF_CONN;
  path.spp_flags = SPP_PMTUD_DISABLE;
  path.spp_pathmtu = path_mtu;
  set(IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, path);
  if (!fine || usrsctp_set_upcall(s, sctp_callbacks::readable, reinterpret_cast<void*>(out->id_)))
    return failed;
  sockaddr_conn address{};
  address.sconn_family = AF_CONN;
  address.sconn_port = htons(port);
  address.sconn_addr = reinterpret_cast<void*>(out->id_);
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  if (usrsctp_bind(s, raw, sizeof address) != 0)
    return failed;
  if (usrsctp_connect(s, raw, sizeof address) != 0 && errno != EINPROGRESS)
    return failed;
  return out;
}

void sctp_association::receive(bytes_view packet) {
  usrsctp_conninput(reinterpret_cast<void*>(id_), packet.data(), packet.size(), 0);
}

void sctp_association::on_readable() {
  while (socket_ != nullptr && (usrsctp_get_events(socket_) & SCTP_EVENT_READ) != 0) {
    static std::array<std::uint8_t, largest_message> buffer; // io thread only
    sockaddr_storage from{};
    socklen_t from_size = sizeof from;
    sctp_rcvinfo info{};
    socklen_t info_size = sizeof info;
    unsigned info_type = 0;
    int flags = 0;
    auto n
      = usrsctp_recvv(socket_, buffer.data(), buffer.size(), reinterpret_cast<sockaddr*>(&from),
                      &from_size, &info, &info_size, &info_type, &flags);
    if (n <= 0)
      return;
    auto data = bytes_view{buffer}.first(static_cast<std::size_t>(n));
    if ((flags & MSG_NOTIFICATION) != 0)
      on_notification(data);
    else if ((flags & MSG_EOR) == 0)
      skipping_ = true; // longer than any message of the protocol: dropped to its end
    else if (std::exchange(skipping_, false)) {
    } else if (info_type == SCTP_RECVV_RCVINFO)
      on_message(ntohl(info.rcv_ppid), data);
  }
}

void sctp_association::on_notification(bytes_view data) {
  sctp_assoc_change change{};
  if (data.size() < sizeof change)
    return;
  std::memcpy(&change, data.data(), sizeof change);
  if (change.sac_type != SCTP_ASSOC_CHANGE)
    return;
  if (change.sac_state == SCTP_COMM_UP) {
    // DATA_CHANNEL_OPEN (RFC 8832): reliable, ordered, label `data`, no protocol.
    constexpr std::array<std::uint8_t, 16> open_request{3, 0, 0, 0, 0,   0,   0,   0,
                                                        0, 4, 0, 0, 'd', 'a', 't', 'a'};
    send_as(protocol_id::control, open_request);
  } else if (change.sac_state == SCTP_COMM_LOST || change.sac_state == SCTP_SHUTDOWN_COMP
             || change.sac_state == SCTP_CANT_STR_ASSOC) {
    open_ = false;
    on_.lost();
  }
}

void sctp_association::on_message(std::uint32_t protocol, bytes_view data) {
  constexpr std::uint8_t acknowledged = 2;
  if (protocol == protocol_id::control) {
    if (!data.empty() && data[0] == acknowledged && !open_) {
      open_ = true;
      on_.opened();
    }
  } else if (protocol == protocol_id::binary || protocol == protocol_id::text) {
    on_.message(data);
  }
}

bool sctp_association::send_as(std::uint32_t protocol, bytes_view data) {
  sctp_sendv_spa how{};
  how.sendv_flags = SCTP_SEND_SNDINFO_VALID;
  how.sendv_sndinfo.snd_sid = channel;
  how.sendv_sndinfo.snd_ppid = htonl(protocol);
  how.sendv_sndinfo.snd_flags = SCTP_EOR;
  return usrsctp_sendv(socket_, data.data(), data.size(), nullptr, 0, &how, sizeof how,
                       SCTP_SENDV_SPA, 0)
         == static_cast<ssize_t>(data.size());
}

bool sctp_association::send(bytes_view message) {
  return open_ && send_as(protocol_id::binary, message);
}

} // namespace holt::stream

// SPDX-License-Identifier: Apache-2.0
#pragma once

// SCTP over DTLS (usrsctp, without its threads) with the one data channel `data`. The stack is one
// per process and outlives its associations; both live on the io thread only. usrsctp knows an
// association by a number, never by a pointer, so that a late packet finds nothing.

#include "messages/error.hpp"
#include "stream/byte_io.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

struct socket;

namespace holt::stream {

class sctp_association;

class sctp_stack {
public:
  sctp_stack();
  ~sctp_stack();
  sctp_stack(const sctp_stack&) = delete;
  sctp_stack& operator=(const sctp_stack&) = delete;

  /// Drive retransmission; `since` is the time from the last call.
  void tick(std::chrono::milliseconds since);

private:
  friend class sctp_association;
  friend struct sctp_callbacks;
  std::unordered_map<std::uintptr_t, sctp_association*> associations_;
  std::uintptr_t next_ = 1;
};

class sctp_association {
public:
  struct handlers {
    std::function<void(bytes_view)> send;    ///< one packet for DTLS
    std::function<void()> opened;            ///< the browser acknowledged the channel
    std::function<void(bytes_view)> message; ///< binary or text; none may destroy the association
    std::function<void()> lost;              ///< the association ended
  };

  /// Connects at once; the browser does the same and the two attempts meet.
  static result<std::unique_ptr<sctp_association>> make(sctp_stack& stack, handlers on);
  ~sctp_association();
  sctp_association(const sctp_association&) = delete;
  sctp_association& operator=(const sctp_association&) = delete;

  void receive(bytes_view packet);

  /// One binary message; false when the channel is not open or its buffer is full.
  bool send(bytes_view message);
  bool open() const noexcept { return open_; }

private:
  friend struct sctp_callbacks;
  sctp_association(sctp_stack& stack, handlers on);
  void on_readable();
  void on_message(std::uint32_t protocol, bytes_view data);
  void on_notification(bytes_view data);
  bool send_as(std::uint32_t protocol, bytes_view data);

  sctp_stack& stack_;
  handlers on_;
  std::uintptr_t id_;
  struct ::socket* socket_ = nullptr; // also the name of a function
  bool open_ = false;
  bool skipping_ = false; ///< the rest of a message that is too long
};

} // namespace holt::stream

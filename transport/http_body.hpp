// SPDX-License-Identifier: Apache-2.0
#pragma once

// Bodies that no memory holds, both ways. A service that is also a `streaming_service` gets large
// request bodies piece by piece and answers with files, or with bodies that are made while they are
// sent. Plain values and interfaces; apart from http_types.hpp because few need them.

#include "transport/http_types.hpp"

#include <boost/asio/any_io_executor.hpp>

namespace holt::http {

/// Takes a body as it arrives. Called on the connection's strand, one call at a time: the next
/// comes after `then` of the one before, which may be called from any thread, once. Destroyed
/// without having been handed to `handle_streaming`: the body never came whole, and nothing may be
/// left of it.
class body_sink {
public:
  /// Nothing: go on. Else the answer; the rest of the body is not wanted.
  using done = std::function<void(std::optional<response> refused)>;
  virtual ~body_sink() = default;
  /// Before anything is read, and before `100 Continue`.
  virtual void open(done then) = 0;
  /// `piece` is there until `then` is called; so long nothing more is read.
  virtual void write(std::string_view piece, done then) = 0;
};

/// Makes a body while it is sent, length unknown (chunked; the connection ends with it). Called on
/// the connection's strand, as body_sink. Destroyed when it was sent or the peer is gone.
class body_source {
public:
  /// An empty piece ends the body; an error cuts the connection, so that the peer sees it.
  using done = std::function<void(result<std::string>)>;
  virtual ~body_source() = default;
  virtual void next(done then) = 0;
  /// It never ends by itself (events): a listener that stops does not wait for it.
  virtual bool endless() const noexcept { return false; }
  /// A peer that does not read for long is waited for, as long as its machine is there.
  virtual bool patient() const noexcept { return false; }
};

/// A part of an open file as a body, sent by sendfile(2) on threads that may wait for the disk.
struct file_body {
  int fd = -1;
  std::shared_ptr<const void> owner; ///< closes it
  std::uint64_t offset = 0;
  std::uint64_t length = 0; ///< bytes
  boost::asio::any_io_executor blocking;
};

struct streaming_response : response {
  streaming_response() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): every answer may be one of these
  streaming_response(response plain) : response{std::move(plain)} {}
  std::optional<file_body> file;       ///< instead of `body`
  std::shared_ptr<body_source> stream; ///< instead of both
};

using streaming_reply = std::function<void(streaming_response)>;

/// What a `service` is, too, when some of its routes stream. Calls as there.
class streaming_service {
public:
  virtual ~streaming_service() = default;
  /// Whether this admitted request goes to handle_streaming.
  virtual bool streams(const request& head) = 0;
  /// Who takes its body; null: `request::body` does.
  virtual std::shared_ptr<body_sink> open_body(const request& head) = 0;
  virtual void handle_streaming(request what, std::shared_ptr<body_sink> sink,
                                streaming_reply answer)
    = 0;
};

} // namespace holt::http

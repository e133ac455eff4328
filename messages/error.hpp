// SPDX-License-Identifier: Apache-2.0
#pragma once

// The one table of errors. Every error that leaves the daemon is one of these: as an HTTP status
// with a problem document, a WebSocket close code, a word on the wire and a process exit code.
// The names stand in docs/names.md; scripts/names compares.

#include <boost/system/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace holt {

enum class errc : std::uint8_t {
  none = 0,
  // -- the caller's request
  invalid_request,  ///< syntax or range of a request is wrong
  unprocessable,    ///< a field is missing or has the wrong type
  unsupported_type, ///< content type is not the one the route takes
  not_found,        ///< no such route or thing
  exists,           ///< it is there already
  is_directory,     ///< a file was expected
  not_directory,    ///< a folder was expected
  denied,           ///< outside the roots, or the system's permissions forbid it
  method_not_allowed,
  payload_too_large,
  headers_too_large,
  upgrade_required, ///< a WebSocket route was asked without upgrade
  request_timeout,  ///< the request did not arrive in time
  // -- who is asking
  token_invalid,     ///< no credential, or a wrong one
  forbidden,         ///< the credential lacks the scope
  origin_refused,    ///< the Origin is not on the list
  host_refused,      ///< the Host is not on the list
  too_many_requests, ///< a limit of this caller
  // -- state of the sandbox
  conflict,                 ///< the thing is in a state that forbids this
  control_held,             ///< a person holds control
  desktop_runtime_inactive, ///< the desktop is stopped
  desktop_invalid_action,   ///< size, position or amount out of range
  busy,                     ///< a bounded queue is full
  shutting_down,            ///< the daemon is stopping
  // -- a command
  cancelled,   ///< its agent cancelled it
  expired,     ///< its deadline had passed when it arrived
  interrupted, ///< the daemon ended while it ran
  id_conflict, ///< the same id came with another command
  // -- the stream
  engine_unavailable, ///< the stream engine is not ready
  engine_no_answer,   ///< it did not offer a stream in time
  stream_pipeline,    ///< it cannot produce a picture
  stream_ice,         ///< media did not connect
  slow_reader,        ///< the reader's outbox is full
  // -- the machine
  port_unavailable,   ///< a port is taken or may not be bound
  dependency_missing, ///< a program of the distribution is not installed
  spawn_failed,       ///< a child could not be started
  no_space,           ///< the disk is full
  read_only,          ///< the file system is read-only
  io,                 ///< an input or output error
  timeout,            ///< a deadline passed
  state_dir,          ///< the state folder cannot be used
  already_running,    ///< another daemon holds the state folder
  config,             ///< the configuration is wrong
  usage,              ///< the command line is wrong
  no_daemon,          ///< no daemon answers
  escalated,          ///< the root of the supervision tree gave up
  unsupported,        ///< not offered here
  internal,           ///< a bug of ours
};

inline constexpr auto errc_count = static_cast<std::size_t>(errc::internal) + 1;

/// What an error looks like outside.
struct errc_info {
  errc code;
  std::string_view word;     ///< stable name: `code` of a problem document
  std::string_view wire;     ///< `error` of an sbx/1 result (docs/protocol-sbx1.md, section 6)
  std::uint16_t http;        ///< HTTP status
  std::uint16_t ws_close;    ///< WebSocket close code
  std::uint8_t exit;         ///< process exit code of a verb
  bool retryable;            ///< the same call may succeed later
  std::string_view sentence; ///< for people
};

/// The row of `code`.
const errc_info& info(errc code) noexcept;

/// The row with this word, or that of `errc::internal`.
const errc_info& info(std::string_view word) noexcept;

/// The row whose sbx/1 word this is, its first; that of `errc::internal` for an unknown word.
const errc_info& info_of_wire(std::string_view wire) noexcept;

/// An error with what is particular about this case.
struct error {
  errc code = errc::none;
  std::string detail; ///< what happened and what to do, for people; no secrets

  std::string_view word() const noexcept { return info(code).word; }
  bool retryable() const noexcept { return info(code).retryable; }
  friend bool operator==(const error&, const error&) = default;
};

[[noreturn]] void throw_exception_from_error(const error& what,
                                             const boost::source_location& where);

template <class T>
using result = boost::system::result<T, error>;

} // namespace holt

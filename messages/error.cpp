// SPDX-License-Identifier: Apache-2.0
#include "messages/error.hpp"

#include <array>
#include <stdexcept>

namespace holt {

namespace {

constexpr std::array<errc_info, errc_count> table{{
  {errc::none, "none", "none", 200, 1000, 0, false, "No error."},
  {errc::invalid_request, "invalid_request", "invalid", 400, 1008, 1, false,
   "The request is malformed."},
  {errc::unprocessable, "unprocessable", "invalid", 422, 1008, 1, false,
   "A field is missing or has the wrong type."},
  {errc::unsupported_type, "unsupported_type", "unsupported", 415, 1003, 1, false,
   "The content type is not accepted here."},
  {errc::not_found, "not_found", "not_found", 404, 1008, 1, false, "There is no such thing."},
  {errc::exists, "exists", "exists", 409, 1008, 1, false, "It exists already."},
  {errc::is_directory, "is_directory", "is_directory", 409, 1008, 1, false, "It is a folder."},
  {errc::not_directory, "not_directory", "not_directory", 409, 1008, 1, false,
   "It is not a folder."},
  {errc::denied, "denied", "denied", 403, 1008, 1, false,
   "This is outside the allowed folders, or its permissions forbid it."},
  {errc::method_not_allowed, "method_not_allowed", "unsupported", 405, 1008, 1, false,
   "The route does not take this method."},
  {errc::payload_too_large, "payload_too_large", "too_large", 413, 1009, 1, false,
   "The body is too large."},
  {errc::headers_too_large, "headers_too_large", "too_large", 431, 1009, 1, false,
   "The headers are too large."},
  {errc::upgrade_required, "upgrade_required", "invalid", 400, 1002, 1, false,
   "This route is a WebSocket: the request must be an upgrade."},
  {errc::request_timeout, "request_timeout", "timeout", 408, 1008, 1, true,
   "The request did not arrive in time."},
  {errc::token_invalid, "token_invalid", "unauthorized", 401, 4401, 1, false,
   "The token is missing or wrong."},
  {errc::forbidden, "forbidden", "denied", 403, 4403, 1, false, "The token does not allow this."},
  {errc::origin_refused, "origin_refused", "denied", 403, 4403, 1, false,
   "The page's origin is not on the list http.allowed_origins."},
  {errc::host_refused, "host_refused", "denied", 421, 4421, 1, false,
   "The Host is not on the list http.allowed_hosts."},
  {errc::too_many_requests, "too_many_requests", "busy", 429, 4429, 1, true, "Too many requests."},
  {errc::conflict, "conflict", "conflict", 409, 4409, 1, true, "The current state forbids this."},
  {errc::control_held, "control_held", "conflict", 409, 4409, 1, true, "A person holds control."},
  {errc::desktop_runtime_inactive, "desktop_runtime_inactive", "conflict", 409, 4409, 1, true,
   "The desktop is not running."},
  {errc::desktop_invalid_action, "desktop_invalid_action", "invalid", 400, 1008, 1, false,
   "The desktop cannot do this."},
  {errc::busy, "busy", "busy", 503, 1013, 1, true, "Too much is waiting already."},
  {errc::shutting_down, "shutting_down", "shutdown", 503, 1001, 1, true, "The daemon is stopping."},
  {errc::cancelled, "cancelled", "cancelled", 409, 1008, 1, false, "It was cancelled."},
  {errc::expired, "expired", "expired", 408, 1008, 1, false,
   "Its deadline had passed when it arrived; nothing was done."},
  {errc::interrupted, "interrupted", "interrupted", 500, 1011, 1, false,
   "The daemon ended while it ran; whether it took effect is not known."},
  {errc::id_conflict, "id_conflict", "id_conflict", 409, 1008, 1, false,
   "Another command has this id."},
  {errc::engine_unavailable, "engine_unavailable", "busy", 503, 1012, 1, true,
   "The stream engine is not ready."},
  {errc::engine_no_answer, "engine_no_answer", "timeout", 504, 4504, 1, true,
   "The stream engine did not answer in time."},
  {errc::stream_pipeline, "stream_pipeline", "internal", 502, 4502, 1, true,
   "The stream engine cannot produce a picture."},
  {errc::stream_ice, "stream_ice", "internal", 502, 4503, 1, true,
   "The browser cannot reach the media address."},
  {errc::slow_reader, "slow_reader", "busy", 503, 1013, 1, true, "The reader is too slow."},
  {errc::port_unavailable, "port_unavailable", "internal", 500, 1011, 69, true,
   "A port is not to be had."},
  {errc::dependency_missing, "dependency_missing", "internal", 500, 1011, 69, false,
   "A program that is needed is not installed."},
  {errc::spawn_failed, "spawn_failed", "internal", 500, 1011, 1, true,
   "A program could not be started."},
  {errc::no_space, "no_space", "no_space", 507, 1011, 1, true, "The disk is full."},
  {errc::read_only, "read_only", "read_only", 403, 1011, 1, false, "The file system is read-only."},
  {errc::io, "io", "internal", 500, 1011, 1, true, "An input or output error."},
  {errc::timeout, "timeout", "timeout", 504, 1011, 1, true, "It took too long."},
  {errc::state_dir, "state_dir", "internal", 500, 1011, 73, false,
   "The state folder cannot be used."},
  {errc::already_running, "already_running", "internal", 409, 1011, 75, false,
   "Another daemon uses this state folder."},
  {errc::config, "config", "internal", 500, 1011, 78, false, "The configuration is wrong."},
  {errc::usage, "usage", "invalid", 400, 1008, 64, false, "The command line is wrong."},
  {errc::no_daemon, "no_daemon", "internal", 503, 1011, 69, true, "No daemon answers."},
  {errc::escalated, "escalated", "internal", 500, 1011, 70, false,
   "A part that is needed failed too often; the daemon stopped."},
  {errc::unsupported, "unsupported", "unsupported", 501, 1003, 1, false,
   "This is not offered here."},
  {errc::internal, "internal", "internal", 500, 1011, 1, true, "An error inside Holt."},
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < table.size(); ++i)
    if (static_cast<std::size_t>(table[i].code) != i)
      return false;
  return true;
}

static_assert(in_order());

} // namespace

const errc_info& info(errc code) noexcept {
  return table[static_cast<std::size_t>(code)];
}

const errc_info& info(std::string_view word) noexcept {
  for (const auto& row : table)
    if (row.word == word)
      return row;
  return table.back();
}

const errc_info& info_of_wire(std::string_view wire) noexcept {
  for (const auto& row : table)
    if (row.wire == wire
        && (row.word == wire || wire == "invalid" || wire == "too_large" || wire == "unauthorized"
            || wire == "shutdown"))
      return row;
  return table.back();
}

void throw_exception_from_error(const error& what, const boost::source_location&) {
  throw std::runtime_error(std::string{what.word()} + ": " + what.detail);
}

} // namespace holt

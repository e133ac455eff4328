// SPDX-License-Identifier: Apache-2.0
#pragma once

// Frames of Supabase Realtime (Phoenix channels) as values, and their codecs: protocol
// versions 1.0.0 (JSON objects) and 2.0.0 (JSON arrays and five binary kinds). Used by the client
// (link/) and by the broker. Pure. Payloads stay text: whoever relays a frame need not parse what
// is in it.

#include "messages/error.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace holt::phoenix {

enum class version : std::uint8_t { v1, v2 };

/// `1.0.0`, `2.0.0`; missing is v1; nothing for any other.
std::optional<version> version_from(std::optional<std::string_view> vsn) noexcept;

struct frame {
  std::optional<std::string> join_ref; ///< v1 from the server has none
  std::optional<std::string> ref;
  std::string topic; ///< with its prefix `realtime:`
  std::string event; ///< phx_join, broadcast, …
  /// JSON text; raw bytes when `binary`. Of a broadcast that came as text: the whole
  /// `{"type","event","payload"}`; of kind 3 or 4: the inner payload alone.
  std::string payload = "{}";
  bool binary = false;
  /// Of a broadcast that came or goes as kind 3 or 4: the user's event.
  std::optional<std::string> user_event;
  std::string metadata; ///< kinds 3 and 4: JSON text or empty
};

/// A text frame of either side. invalid_request for what is no frame: then it is dropped.
result<frame> decode_text(version v, std::string_view text);
/// What a client sends: kinds 0 and 3.
result<frame> decode_client_binary(std::string_view bytes);
/// What a server sends: kinds 0, 1, 2 and 4. Of a reply (1) the payload is `{"status","response"}`
/// when the data is JSON.
result<frame> decode_server_binary(std::string_view bytes);

/// v1: topic, event, payload, ref, join_ref. v2: the array.
std::string encode_client_text(version v, const frame& what);
/// v1: topic, event, payload, ref (always there). v2: the array.
std::string encode_server_text(version v, const frame& what);
/// Kind 3. payload_too_large when a field is above 255 bytes.
result<std::string> encode_user_push(const frame& what);
/// Kind 4.
result<std::string> encode_user_broadcast(const frame& what);

/// What a broadcast carries, however it came.
struct user_message {
  std::string event;
  std::string payload; ///< JSON text, or bytes when `binary`
  bool binary = false;
  std::string id;        ///< meta.id; may be empty
  bool replayed = false; ///< meta.replayed
};
/// Takes a `broadcast` frame apart. invalid_request when it has no event.
result<user_message> user_message_of(const frame& what);
/// The text payload `{"type":"broadcast","event":…,"payload":…[,"meta":…]}`.
std::string broadcast_payload(const user_message& what);

} // namespace holt::phoenix

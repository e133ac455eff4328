// SPDX-License-Identifier: Apache-2.0
#include "broker/outgoing.hpp"

namespace holt::broker {

const text_ptr& outgoing::text(phoenix::version v) {
  auto& out = texts_[v == phoenix::version::v1 ? 0 : 1];
  if (out || what_.binary)
    return out;
  if (what_.user_event) {
    // Came as kind 3 or by HTTP: from now on as text for both versions.
    if (const auto inner = message()) {
      phoenix::frame plain;
      plain.topic = what_.topic;
      plain.event = what_.event;
      plain.payload = phoenix::broadcast_payload(*inner);
      out = share(phoenix::encode_server_text(v, plain));
    }
    return out;
  }
  out = share(phoenix::encode_server_text(v, what_));
  return out;
}

const text_ptr& outgoing::kind4() {
  if (bytes_ || no_bytes_)
    return bytes_;
  no_bytes_ = true;
  const auto inner = is_broadcast() ? message() : error{errc::invalid_request, {}};
  if (!inner)
    return bytes_;
  phoenix::frame binary;
  binary.topic = what_.topic;
  binary.user_event = inner->event;
  binary.payload = inner->payload;
  binary.binary = inner->binary;
  binary.metadata = what_.metadata;
  if (auto bytes = phoenix::encode_user_broadcast(binary))
    bytes_ = share(std::move(*bytes));
  return bytes_;
}

} // namespace holt::broker

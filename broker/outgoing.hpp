// SPDX-License-Identifier: Apache-2.0
#pragma once

// One frame on its way to every member of a channel: each form of it (text of version 1, of version
// 2, binary kind 4) is made once, when the first member needs it, and shared by all. Used under the
// lock of its room.

#include "messages/phoenix_frame.hpp"

#include <memory>
#include <string>

namespace holt::broker {

using text_ptr = std::shared_ptr<const std::string>;

class outgoing {
public:
  /// `what`: topic, event and payload; a user's broadcast in any of its forms.
  explicit outgoing(phoenix::frame what) : what_{std::move(what)} {
    what_.ref.reset();
    what_.join_ref.reset();
  }

  /// Bytes of a user: only version 2 can carry them, as kind 4.
  bool binary() const noexcept { return what_.binary; }
  std::size_t size() const noexcept { return what_.payload.size(); }
  bool is_broadcast() const noexcept { return what_.event == "broadcast"; }
  /// Null when binary.
  const text_ptr& text(phoenix::version v);
  /// Null when it is no broadcast of a user, or a name in it is too long for a binary frame.
  const text_ptr& kind4();
  /// A broadcast as values; nothing when it has no event.
  result<phoenix::user_message> message() const { return phoenix::user_message_of(what_); }

  bool heard = false; ///< by somebody that it was for

private:
  phoenix::frame what_;
  text_ptr texts_[2];
  text_ptr bytes_;
  bool no_bytes_ = false;
};

using outgoing_ptr = std::shared_ptr<outgoing>;

/// Shared text.
inline text_ptr share(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

} // namespace holt::broker

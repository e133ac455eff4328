// SPDX-License-Identifier: Apache-2.0
#pragma once

// What can be on a clipboard, as plain values: parts with a media type each, the names that X
// programs have for them, and the forms that a text takes on the way. Pure, any thread.

#include "messages/error.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace holt::desktop {

/// All parts of one clipboard together, and of one that is read: bytes.
inline constexpr std::size_t max_offer_bytes = 16 * 1024 * 1024;

using shared_bytes = std::shared_ptr<const std::string>;

inline constexpr std::string_view plain_text = "text/plain";
inline constexpr std::string_view html_text = "text/html";
inline constexpr std::string_view uri_list = "text/uri-list";

/// One form of what was copied.
struct clip_part {
  std::string type; ///< media type in lower case, without parameters: text/plain, image/png
  shared_bytes bytes;
};

/// What a program may ask for, by the name that it uses, and what it gets.
struct clip_target {
  std::string name; ///< of the target's atom: UTF8_STRING
  std::string type; ///< of the property's type
  shared_bytes bytes;
};

/// The media type that a target stands for; empty: it names no content (TARGETS, TIMESTAMP …).
std::string media_type_of(std::string_view target);

/// Media types of these targets, each once, in their order.
std::vector<std::string> media_types_of(const std::vector<std::string>& targets);

/// The target to ask for where this media type is wanted: the best of what is offered, from the
/// n-th best on; empty: none. `image`: any picture, PNG first.
std::string target_for(std::string_view type, const std::vector<std::string>& offered,
                       std::size_t nth = 0);

/// What programs may ask for where these parts are offered: a text has six names.
std::vector<clip_target> targets_of(const std::vector<clip_part>& parts);

/// Checks parts: each of its size and form. payload_too_large, invalid_request.
result<void> check_parts(const std::vector<clip_part>& parts);

/// What came for a target, as UTF-8 text or as the bytes that its type means; nothing: it is
/// broken.
result<std::string> decode_target(std::string_view target, std::string_view type,
                                  std::string bytes);

std::string from_latin1(std::string_view text);
/// `?` for what Latin-1 lacks.
std::string to_latin1(std::string_view utf8);
/// ICCCM's form of a text: Latin-1 as it is, else UTF-8 between its escapes.
std::string to_compound_text(std::string_view utf8);
/// UTF-16 that begins with its mark; else as it is.
std::string from_utf16(std::string_view bytes);

/// image/png, image/jpeg, image/gif, image/webp, image/bmp by how the bytes begin; empty: none of
/// them.
std::string picture_type(std::string_view bytes);

/// HTML as it reads: without tags, scripts and styles, blocks on lines of their own.
std::string text_of_html(std::string_view html);

} // namespace holt::desktop

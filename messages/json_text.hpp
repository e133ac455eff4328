// SPDX-License-Identifier: Apache-2.0
#pragma once

// JSON that stays text: a strict scanner (RFC 8259) which finds where values begin and end and
// builds nothing. For relays, which pass a payload on without looking into it. Pure; allocates
// only in unquote and quote. Invalid UTF-8 and more than 64 levels are no JSON here.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace holt::json_text {

inline constexpr std::size_t max_depth = 64;

/// The value at the front of `text`, leading space skipped, as a span of it; `text` then begins
/// behind it. Nothing when there is no whole value.
std::optional<std::string_view> take_value(std::string_view& text) noexcept;

/// Skips space.
void skip_space(std::string_view& text) noexcept;

/// `text` is exactly one value, with space around it or not: the value without the space.
std::optional<std::string_view> whole_value(std::string_view text) noexcept;

/// Goes through an object's members or an array's elements, one after the other. What was given out
/// before an error was found is valid in itself.
class walker {
public:
  /// `text`: one whole value. ok() is false at once when it is not of this kind.
  enum class kind : char { object = '{', array = '[' };
  walker(std::string_view text, kind what) noexcept;

  /// The next member or element; false at the end and after an error.
  bool next() noexcept;
  /// Still without an error; after next() said false: the whole value was right.
  bool ok() const noexcept { return ok_; }
  /// Of the current member, with its quotes; empty in an array.
  std::string_view key() const noexcept { return key_; }
  std::string_view value() const noexcept { return value_; }
  /// The key is exactly this (which has nothing to escape).
  bool key_is(std::string_view plain) const noexcept {
    return key_.size() == plain.size() + 2 && key_.substr(1, plain.size()) == plain;
  }

private:
  bool fail() noexcept;
  std::string_view rest_;
  std::string_view key_;
  std::string_view value_;
  kind kind_;
  bool first_ = true;
  bool done_ = false;
  bool ok_ = true;
};

/// The text of a string value. Nothing for another kind of value or half a surrogate pair.
std::optional<std::string> unquote(std::string_view value);

/// Appends `plain` as a JSON string; invalid UTF-8 becomes U+FFFD.
void quote(std::string& out, std::string_view plain);
std::string quoted(std::string_view plain);

inline bool is_object(std::string_view value) noexcept {
  return !value.empty() && value.front() == '{';
}
inline bool is_string(std::string_view value) noexcept {
  return !value.empty() && value.front() == '"';
}

/// The first member of that name of an object; nothing when there is none or it is no object.
std::optional<std::string_view> member(std::string_view object, std::string_view plain) noexcept;

} // namespace holt::json_text

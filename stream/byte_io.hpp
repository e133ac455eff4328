// SPDX-License-Identifier: Apache-2.0
#pragma once

// Reading and writing big-endian numbers in a span of bytes. Both remember a failure instead of
// throwing: read or write everything, then ask ok() once. Owned by whoever parses; any thread.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace holt::stream {

using bytes_view = std::span<const std::uint8_t>;
using bytes_span = std::span<std::uint8_t>;

/// The characters of `text` as bytes.
inline bytes_view as_bytes_view(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// The bytes as characters; valid as long as they are.
inline std::string_view as_text(bytes_view bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Reads past the end answer zero and make ok() false for good.
class byte_reader {
public:
  explicit byte_reader(bytes_view data) noexcept : data_(data) {}

  bool ok() const noexcept { return ok_; }
  std::size_t offset() const noexcept { return at_; }
  std::size_t left() const noexcept { return data_.size() - at_; }

  std::uint8_t u8() noexcept { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t u16() noexcept { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u24() noexcept { return static_cast<std::uint32_t>(number(3)); }
  std::uint32_t u32() noexcept { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() noexcept { return number(8); }
  std::int16_t i16() noexcept { return static_cast<std::int16_t>(u16()); }
  std::int32_t i32() noexcept { return static_cast<std::int32_t>(u32()); }

  /// The next `n` bytes; empty when there are fewer.
  bytes_view bytes(std::size_t n) noexcept {
    if (!ok_ || n > left()) {
      ok_ = false;
      return {};
    }
    auto part = data_.subspan(at_, n);
    at_ += n;
    return part;
  }

  void skip(std::size_t n) noexcept { bytes(n); }

private:
  std::uint64_t number(std::size_t n) noexcept {
    std::uint64_t value = 0;
    for (auto byte : bytes(n))
      value = value << 8 | byte;
    return value;
  }

  bytes_view data_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

/// Writes past the end are left out and make ok() false for good.
class byte_writer {
public:
  explicit byte_writer(bytes_span out) noexcept : out_(out) {}

  bool ok() const noexcept { return ok_; }
  std::size_t size() const noexcept { return at_; }
  bytes_view written() const noexcept { return out_.first(at_); }

  void u8(std::uint8_t v) noexcept { number(v, 1); }
  void u16(std::uint16_t v) noexcept { number(v, 2); }
  void u24(std::uint32_t v) noexcept { number(v, 3); }
  void u32(std::uint32_t v) noexcept { number(v, 4); }
  void u64(std::uint64_t v) noexcept { number(v, 8); }

  void bytes(bytes_view data) noexcept {
    if (!ok_ || data.size() > out_.size() - at_) {
      ok_ = false;
      return;
    }
    if (!data.empty())
      std::memcpy(out_.data() + at_, data.data(), data.size());
    at_ += data.size();
  }

  void zeros(std::size_t n) noexcept {
    while (n-- > 0)
      u8(0);
  }

  /// Overwrite two bytes that were written before.
  void patch_u16(std::size_t at, std::uint16_t v) noexcept {
    if (at + 2 > at_) {
      ok_ = false;
      return;
    }
    out_[at] = static_cast<std::uint8_t>(v >> 8);
    out_[at + 1] = static_cast<std::uint8_t>(v);
  }

private:
  void number(std::uint64_t v, std::size_t n) noexcept {
    if (!ok_ || n > out_.size() - at_) {
      ok_ = false;
      return;
    }
    for (auto i = n; i-- > 0;)
      out_[at_++] = static_cast<std::uint8_t>(v >> (8 * i));
  }

  bytes_span out_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

} // namespace holt::stream

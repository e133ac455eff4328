// SPDX-License-Identifier: Apache-2.0
#include "files/content.hpp"

#include "messages/text_bytes.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <limits>
#include <unistd.h>

namespace holt::files {

std::string hash_text(std::string_view text) {
  if (text.size() != 64)
    return {};
  std::string out;
  for (char c : text) {
    if (c >= 'A' && c <= 'F')
      c = static_cast<char>(c - 'A' + 'a');
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
      return {};
    out += c;
  }
  return out;
}

// -- context

bool is_cancelled(const file_context& context) noexcept {
  return context.cancelled != nullptr && context.cancelled->load(std::memory_order_relaxed);
}

error cancelled_error() {
  return {errc::cancelled, ""};
}

void step(const file_context& context, std::string_view name) {
  if (context.at_step)
    context.at_step(name);
}

int fault(const file_context& context, std::string_view call) {
  return context.fault ? context.fault(call) : 0;
}

// -- reading

namespace {

error not_regular(const entry_look& look, std::string_view shown) {
  if (look.type == entry_type::directory)
    return from_errno(EISDIR, shown);
  if (look.type == entry_type::symlink)
    return from_errno(ELOOP, shown);
  return from_errno(ENXIO, shown);
}

/// Before it is opened for reading: to open a FIFO or a device is an act on it.
result<void> check_readable(int path_fd, std::string_view shown) {
  auto look = look_at(path_fd, shown);
  if (!look)
    return look.error();
  if (look->type != entry_type::file)
    return not_regular(*look, shown);
  if (int failed = may_read(path_fd, *look); failed != 0)
    return from_errno(failed, shown);
  return {};
}

result<open_file> checked(unique_fd fd, std::string_view shown) {
  auto look = look_at(fd.get(), shown);
  if (!look)
    return look.error();
  if (look->type != entry_type::file)
    return not_regular(*look, shown);
  return open_file{std::move(fd), *look};
}

} // namespace

result<open_file> open_regular(const path_jail& jail, const jailed_path& where) {
  auto seen = jail.open_at(where, O_PATH);
  if (!seen)
    return seen.error();
  if (auto good = check_readable(seen->get(), where.shown); !good)
    return good.error();
  auto fd = jail.open_at(where, O_RDONLY);
  if (!fd)
    return fd.error();
  return checked(std::move(*fd), where.shown);
}

result<open_file> open_regular(int folder, const std::string& name, std::string_view shown) {
  constexpr int always = O_CLOEXEC | O_NOFOLLOW;
  unique_fd seen{::openat(folder, name.c_str(), O_PATH | always)};
  if (!seen)
    return from_errno(errno, shown);
  if (auto good = check_readable(seen.get(), shown); !good)
    return good.error();
  unique_fd fd{::openat(folder, name.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | always)};
  if (!fd)
    return from_errno(errno, shown);
  return checked(std::move(fd), shown);
}

result<void> read_pieces(const file_context& context, int fd, std::string_view shown,
                         std::uint64_t off, std::uint64_t len,
                         const std::function<bool(std::string_view)>& take) {
  std::string piece(static_cast<std::size_t>(std::min<std::uint64_t>(len, read_piece)), '\0');
  while (len > 0) {
    if (is_cancelled(context))
      return cancelled_error();
    auto want = static_cast<std::size_t>(std::min<std::uint64_t>(len, piece.size()));
    auto got = ::pread(fd, piece.data(), want, static_cast<off_t>(off));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return from_errno(errno, shown);
    if (got == 0)
      return {};
    auto size = static_cast<std::size_t>(got);
    if (!take({piece.data(), size}))
      return {};
    off += size;
    len -= size;
  }
  return {};
}

result<std::string> read_whole(const file_context& context, const open_file& file,
                               std::string_view shown, std::uint64_t most) {
  auto too_large = [&] {
    return error{errc::payload_too_large, printable(shown) + ": " + std::to_string(file.look.size)
                                            + " bytes; at most " + std::to_string(most)
                                            + " are read at once"};
  };
  if (file.look.size > most)
    return too_large();
  // Read until the end, not the size: files in /proc say 0.
  std::string out;
  out.resize(static_cast<std::size_t>(file.look.size) + 1);
  std::size_t filled = 0;
  while (true) {
    if (is_cancelled(context))
      return cancelled_error();
    if (filled == out.size())
      out.resize(out.size() + 64 * 1024);
    auto want = std::min(out.size() - filled, read_piece);
    auto got = ::pread(file.fd.get(), out.data() + filled, want, static_cast<off_t>(filled));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return from_errno(errno, shown);
    filled += static_cast<std::size_t>(got);
    if (filled > most)
      return too_large();
    if (got == 0)
      break;
  }
  out.resize(filled);
  return out;
}

result<std::string> hash_file(const file_context& context, int fd, std::string_view shown) {
  sha256 hash;
  auto good = read_pieces(context, fd, shown, 0, std::numeric_limits<std::int64_t>::max(),
                          [&](std::string_view piece) {
                            hash.add(piece);
                            return true;
                          });
  if (!good)
    return good.error();
  return hash.hex();
}

// -- answers

std::size_t json_size(std::string_view text) {
  if (!is_utf8(text))
    return (text.size() + 2) / 3 * 4;
  std::size_t out = text.size();
  for (std::size_t i = 0; i < text.size(); ++i) {
    while (i + 8 <= text.size() && plain8(text.data() + i))
      i += 8;
    if (i == text.size())
      break;
    const char c = text[i];
    if (c == '"' || c == '\\' || c == '\n' || c == '\t' || c == '\r' || c == '\b' || c == '\f')
      out += 1;
    else if (static_cast<unsigned char>(c) < 0x20)
      out += 5;
  }
  return out;
}

void put_content(const file_context& context, command_outcome& into, std::string bytes,
                 bool base64) {
  auto size = base64 ? (bytes.size() + 2) / 3 * 4 : json_size(bytes);
  if (size > context.limits.max_inline) {
    into.fields["bytes"] = bytes.size();
    if (!into.fields.contains("sha256"))
      into.fields["sha256"] = sha256_hex(bytes);
    if (base64 || !is_utf8(bytes))
      into.fields["encoding"] = "base64";
    into.large.push_back({"content", std::move(bytes)});
  } else if (base64) {
    into.fields["content"] = to_base64(bytes);
    into.fields["encoding"] = "base64";
  } else {
    put_bytes(into.fields, "content", bytes);
  }
}

} // namespace holt::files

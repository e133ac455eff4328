// SPDX-License-Identifier: Apache-2.0
#include "files/mp4_fragments.hpp"

#include "files/path_jail.hpp"
#include "transport/state_dir.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace holt::files {

namespace {

constexpr std::size_t copy_bytes = 256 * 1024;

struct box {
  std::uint64_t size = 0; ///< 0: there is no whole box here
  std::array<char, 4> type{};
  bool is(const char* name) const { return std::memcmp(type.data(), name, 4) == 0; }
};

std::uint64_t big_endian(const char* at, std::size_t bytes) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < bytes; ++i)
    out = out << 8 | static_cast<unsigned char>(at[i]);
  return out;
}

box box_at(std::uint64_t offset, std::uint64_t size, const byte_reader& read) {
  std::array<char, 16> head{};
  if (size - offset < 8 || read(offset, head.data(), 8) != 8)
    return {};
  box out;
  std::memcpy(out.type.data(), head.data() + 4, 4);
  auto length = big_endian(head.data(), 4);
  std::uint64_t least = 8;
  if (length == 1) {
    least = 16;
    if (size - offset < least || read(offset + 8, head.data() + 8, 8) != 8)
      return {};
    length = big_endian(head.data() + 8, 8);
  }
  // 0 means "to the end of the file": never written by us, and never whole.
  if (length < least || length > size - offset)
    return {};
  out.size = length;
  return out;
}

result<std::uint64_t> size_of(int fd, const std::string& path) {
  struct stat now {};
  if (fstat(fd, &now) != 0)
    return file_error(errno, "cannot look at", path);
  return static_cast<std::uint64_t>(now.st_size);
}

result<fragment_map> map_file(int fd, const std::string& path) {
  auto size = size_of(fd, path);
  if (!size)
    return size.error();
  return map_fragments(*size, [fd](std::uint64_t offset, char* to, std::size_t n) -> std::size_t {
    auto got = pread(fd, to, n, static_cast<off_t>(offset));
    return got < 0 ? 0 : static_cast<std::size_t>(got);
  });
}

result<unique_fd> open_file(const std::string& path, int flags) {
  unique_fd out{::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW)};
  if (out.get() < 0)
    return file_error(errno, "cannot open", path);
  return out;
}

result<void> cut(int fd, std::uint64_t size, const std::string& path) {
  if (ftruncate(fd, static_cast<off_t>(size)) != 0)
    return file_error(errno, "cannot shorten", path);
  return {};
}

result<void> write_all(int fd, const char* from, std::size_t n, std::uint64_t at,
                       const std::string& path) {
  while (n > 0) {
    auto wrote = pwrite(fd, from, n, static_cast<off_t>(at));
    if (wrote < 0 && errno == EINTR)
      continue;
    if (wrote < 0)
      return file_error(errno, "cannot write", path);
    from += wrote;
    n -= static_cast<std::size_t>(wrote);
    at += static_cast<std::uint64_t>(wrote);
  }
  return {};
}

} // namespace

fragment_map map_fragments(std::uint64_t size, const byte_reader& read) {
  fragment_map out;
  bool half = false; // its moof was seen, its mdat not yet
  for (std::uint64_t at = 0; at < size;) {
    const auto one = box_at(at, size, read);
    if (one.size == 0)
      break;
    if (one.is("moof")) {
      if (out.header_end == 0)
        break; // without a header nothing can be played
      half = true;
    }
    at += one.size;
    if (one.is("moov") && out.header_end == 0)
      out.header_end = out.whole_end = at;
    if (one.is("mdat") && half) {
      half = false;
      out.whole_end = at;
      ++out.fragments;
    }
  }
  return out;
}

result<fragment_map> map_fragments(const std::string& path) {
  auto file = open_file(path, O_RDONLY);
  if (!file)
    return file.error();
  return map_file(file->get(), path);
}

result<fragment_map> cut_to_whole(const std::string& path) {
  auto file = open_file(path, O_RDWR);
  if (!file)
    return file.error();
  auto map = map_file(file->get(), path);
  if (!map)
    return map;
  if (auto done = cut(file->get(), map->whole_end, path); !done)
    return done.error();
  return map;
}

void delay_fragment(std::string& bytes, std::chrono::milliseconds by, const track_clocks& clocks) {
  const byte_reader read = [&bytes](std::uint64_t offset, char* to, std::size_t n) {
    return bytes.copy(to, n, static_cast<std::size_t>(offset));
  };
  const auto count = static_cast<std::uint64_t>(std::max<std::int64_t>(by.count(), 0));
  const auto delay_traf = [&](std::uint64_t begin, std::uint64_t end) {
    std::uint64_t track = 1;
    for (auto at = begin; at < end;) {
      const auto one = box_at(at, end, read);
      if (one.size == 0)
        return;
      auto* body = bytes.data() + at + 8;
      if (one.is("tfhd") && one.size >= 16)
        track = big_endian(body + 4, 4);
      if (one.is("tfdt") && one.size == 20 && body[0] == 1) { // version 1: 64 bits
        const auto clock = track == 1 ? clocks.picture : clocks.sound;
        auto time = big_endian(body + 4, 8) + count * clock / 1'000;
        for (int i = 11; i >= 4; --i, time >>= 8)
          body[i] = static_cast<char>(time & 0xff);
      }
      at += one.size;
    }
  };
  for (std::uint64_t at = 8; at < bytes.size();) {
    const auto one = box_at(at, bytes.size(), read);
    if (one.size == 0)
      return;
    if (one.is("traf"))
      delay_traf(at + 8, at + one.size);
    at += one.size;
  }
}

namespace {

/// Ticks from the decoding time to the end of the last sample that a trun tells of; 0: it does not
/// tell how long its samples are, and neither does the tfhd.
std::uint64_t ticks_of(const char* trun, std::uint64_t size, std::uint64_t usual) {
  if (size < 16)
    return 0;
  const auto flags = big_endian(trun + 9, 3);
  const auto samples = big_endian(trun + 12, 4);
  if ((flags & 0x100) == 0)
    return samples * usual;
  const std::uint64_t head = 16 + ((flags & 0x1) != 0 ? 4 : 0) + ((flags & 0x4) != 0 ? 4 : 0);
  std::uint64_t row = 4;
  for (const auto more : {0x200u, 0x400u, 0x800u})
    row += (flags & more) != 0 ? 4 : 0;
  std::uint64_t out = 0;
  for (std::uint64_t i = 0; i < samples && head + i * row + 4 <= size; ++i)
    out += big_endian(trun + head + i * row, 4);
  return out;
}

/// Of a tfhd: ticks of a sample that names none, 0 where it does not say.
std::uint64_t usual_ticks(const char* tfhd, std::uint64_t size) {
  const auto flags = big_endian(tfhd + 9, 3);
  const std::uint64_t at = 16 + ((flags & 0x1) != 0 ? 8 : 0) + ((flags & 0x2) != 0 ? 4 : 0);
  return (flags & 0x8) != 0 && at + 4 <= size ? big_endian(tfhd + at, 4) : 0;
}

} // namespace

std::chrono::milliseconds fragment_end(const std::string& bytes, const track_clocks& clocks) {
  const byte_reader read = [&bytes](std::uint64_t offset, char* to, std::size_t n) {
    return bytes.copy(to, n, static_cast<std::size_t>(offset));
  };
  std::uint64_t latest = 0; // ms
  const auto look_at_traf = [&](std::uint64_t begin, std::uint64_t end) {
    std::uint64_t track = 1, usual = 0, ticks = 0;
    for (auto at = begin; at < end;) {
      const auto one = box_at(at, end, read);
      if (one.size == 0)
        break;
      const auto* whole = bytes.data() + at;
      if (one.is("tfhd") && one.size >= 16) {
        track = big_endian(whole + 12, 4);
        usual = usual_ticks(whole, one.size);
      } else if (one.is("tfdt") && one.size == 20 && whole[8] == 1) {
        ticks = big_endian(whole + 12, 8);
      } else if (one.is("trun")) {
        ticks += ticks_of(whole, one.size, usual);
      }
      at += one.size;
    }
    const auto clock = track == 1 ? clocks.picture : clocks.sound;
    latest = std::max(latest, ticks / clock * 1'000 + (ticks % clock * 1'000 + clock - 1) / clock);
  };
  for (std::uint64_t at = 8; at < bytes.size();) {
    const auto one = box_at(at, bytes.size(), read);
    if (one.size == 0)
      break;
    if (one.is("traf"))
      look_at_traf(at + 8, at + one.size);
    at += one.size;
  }
  return std::chrono::milliseconds{
    static_cast<std::int64_t>(std::min<std::uint64_t>(latest, 1ULL << 50))};
}

namespace {

constexpr std::uint64_t max_moof = 16 * 1024 * 1024;

/// When what is in the file is over: by its last fragments, not by a clock of ours. A part that
/// began earlier would run backwards in time.
std::chrono::milliseconds end_of_file(int fd, std::uint64_t size) {
  const byte_reader read = [fd](std::uint64_t offset, char* to, std::size_t n) -> std::size_t {
    const auto got = pread(fd, to, n, static_cast<off_t>(offset));
    return got < 0 ? 0 : static_cast<std::size_t>(got);
  };
  std::chrono::milliseconds out{0};
  for (std::uint64_t at = 0; at < size;) {
    const auto one = box_at(at, size, read);
    if (one.size == 0)
      break;
    if (one.is("moof") && one.size <= max_moof) {
      std::string bytes(static_cast<std::size_t>(one.size), '\0');
      if (read(at, bytes.data(), bytes.size()) == bytes.size())
        out = std::max(out, fragment_end(bytes));
    }
    at += one.size;
  }
  return out;
}

/// Copies boxes one after another; a moof is moved in time.
class joiner {
public:
  joiner(int from, int to, std::uint64_t put, const std::string& from_path,
         const std::string& to_path)
    : from_{from}, to_{to}, put_{put}, from_path_{from_path}, to_path_{to_path} {}

  result<void> run(std::uint64_t at, std::uint64_t end, std::chrono::milliseconds by) {
    const byte_reader read = [this](std::uint64_t offset, char* to, std::size_t n) -> std::size_t {
      auto got = pread(from_, to, n, static_cast<off_t>(offset));
      return got < 0 ? 0 : static_cast<std::size_t>(got);
    };
    while (at < end) {
      const auto one = box_at(at, end, read);
      if (one.size == 0)
        return file_error(EIO, "cannot read", from_path_);
      auto done
        = one.is("moof") && one.size <= max_moof ? moved(at, one.size, by) : copied(at, one.size);
      if (!done)
        return done;
      at += one.size;
    }
    return {};
  }

private:
  result<std::string> piece(std::uint64_t at, std::uint64_t n) {
    std::string out(static_cast<std::size_t>(n), '\0');
    for (std::size_t have = 0; have < out.size();) {
      const auto got
        = pread(from_, out.data() + have, out.size() - have, static_cast<off_t>(at + have));
      if (got < 0 && errno == EINTR)
        continue;
      if (got <= 0)
        return file_error(got < 0 ? errno : EIO, "cannot read", from_path_);
      have += static_cast<std::size_t>(got);
    }
    return out;
  }

  result<void> append(const std::string& bytes) {
    auto done = write_all(to_, bytes.data(), bytes.size(), put_, to_path_);
    put_ += bytes.size();
    return done;
  }

  result<void> moved(std::uint64_t at, std::uint64_t size, std::chrono::milliseconds by) {
    auto bytes = piece(at, size);
    if (!bytes)
      return bytes.error();
    delay_fragment(*bytes, by);
    return append(*bytes);
  }

  result<void> copied(std::uint64_t at, std::uint64_t size) {
    for (std::uint64_t done = 0; done < size;) {
      auto bytes = piece(at + done, std::min<std::uint64_t>(copy_bytes, size - done));
      if (!bytes)
        return bytes.error();
      done += bytes->size();
      if (auto put = append(*bytes); !put)
        return put;
    }
    return {};
  }

  int from_;
  int to_;
  std::uint64_t put_;
  const std::string& from_path_;
  const std::string& to_path_;
};

} // namespace

result<void> join_fragments(const std::string& to, const std::string& from,
                            std::chrono::milliseconds by) {
  auto source = open_file(from, O_RDONLY);
  if (!source)
    return source.error();
  auto more = map_file(source->get(), from);
  if (!more)
    return more.error();
  if (more->fragments == 0)
    return {};
  auto target = open_file(to, O_RDWR);
  if (!target)
    return target.error();
  auto before = map_file(target->get(), to);
  if (!before)
    return before.error();
  if (auto done = cut(target->get(), before->whole_end, to); !done)
    return done;
  // Without a header in the first file, the second brings it.
  const auto begin = before->header_end == 0 ? 0 : more->header_end;
  const auto delay = std::max(by, end_of_file(target->get(), before->whole_end));
  return joiner{source->get(), target->get(), before->whole_end, from, to}.run(
    begin, more->whole_end, delay);
}

} // namespace holt::files

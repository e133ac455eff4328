// SPDX-License-Identifier: Apache-2.0
#pragma once

// The daemon's log: one JSON line per event in log/holt.jsonl, and a short line for people on
// stderr. One logger per process; callable from any thread, never blocks on the disk: a bounded
// queue drops its oldest line and counts it. Before open() lines go to stderr at once.
// It never holds a secret: wrap tokens and cookies in `log::secret`, which prints ***.

#include "messages/error.hpp"

#include <atomic>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace holt::log {

enum class level : int { trace, debug, info, warn, error, off };

/// The word of a level: trace, debug, info, warn, error, off.
std::string_view to_string(level what) noexcept;
/// Error `config` for another word.
result<level> level_from_string(std::string_view word);

/// A string that must not be shown. Compare with constant time elsewhere; this only hides it.
class secret {
public:
  secret() = default;
  explicit secret(std::string value) : value_(std::move(value)) {}
  const std::string& reveal() const noexcept { return value_; }
  bool empty() const noexcept { return value_.empty(); }

private:
  std::string value_;
};

/// One further field of an event. Holds no copy: it lives for one call.
struct field {
  using value_type = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

  template <class T>
  requires std::convertible_to<const T&, std::string_view> field(std::string_view name,
                                                                 const T& text)
    : key(name), value(std::string_view(text)) {}
  field(std::string_view name, const secret&) : key(name), value(std::string_view("***")) {}
  field(std::string_view name, bool flag) : key(name), value(flag) {}
  template <std::floating_point T>
  field(std::string_view name, T number) : key(name), value(static_cast<double>(number)) {}
  template <std::signed_integral T>
  field(std::string_view name, T number) : key(name), value(static_cast<std::int64_t>(number)) {}
  template <std::unsigned_integral T>
  field(std::string_view name, T number) : key(name), value(static_cast<std::uint64_t>(number)) {}

  std::string_view key;
  value_type value;
};

using fields = std::initializer_list<field>;

struct options {
  std::string file;                           ///< empty: stderr only
  level file_level = level::info;             ///< least level that goes to the file
  level stderr_level = level::info;           ///< least level that goes to stderr
  std::uint64_t max_bytes = 10 * 1024 * 1024; ///< of one file
  unsigned keep = 3;                          ///< files in all, the current one included
  std::size_t queue_lines = 2048; ///< 400 bytes each, at once; more waiting: the oldest is dropped
};

/// Starts the writer thread. Once per process, before threads use it; again replaces it.
result<void> open(const options& how);
/// Writes what waits, stops the thread, back to stderr.
void close();
/// Opens all log files anew, each before its next line (SIGHUP): the daemon's and the children's.
void reopen();
/// Changes the least level of stderr.
void stderr_level(level least);
/// Lines dropped because the queue was full.
std::uint64_t dropped() noexcept;

namespace detail {
inline std::atomic<int> least{static_cast<int>(level::info)};
}

/// Whether a line of this level goes anywhere. One relaxed load.
inline bool enabled(level what) noexcept {
  return static_cast<int>(what) >= detail::least.load(std::memory_order_relaxed);
}

/// `component` and `event` are snake_case words; what varies goes into fields.
void write(level what, std::string_view component, std::string_view event, fields more = {});

inline void debug(std::string_view component, std::string_view event, fields more = {}) {
  if (enabled(level::debug))
    write(level::debug, component, event, more);
}
inline void info(std::string_view component, std::string_view event, fields more = {}) {
  if (enabled(level::info))
    write(level::info, component, event, more);
}
inline void warn(std::string_view component, std::string_view event, fields more = {}) {
  if (enabled(level::warn))
    write(level::warn, component, event, more);
}
inline void error(std::string_view component, std::string_view event, fields more = {}) {
  if (enabled(level::error))
    write(level::error, component, event, more);
}

} // namespace holt::log

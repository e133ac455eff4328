// SPDX-License-Identifier: Apache-2.0

#include "transport/log.hpp"

#include "messages/time_text.hpp"
#include "transport/log_file.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/base_sink.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <mutex>
#include <poll.h>
#include <unistd.h>
#include <utility>

namespace holt::log {
namespace {

constexpr std::array<std::string_view, 6> words{"trace", "debug", "info", "warn", "error", "off"};

void write_stderr(std::string_view line) noexcept {
  // Its failure is nobody's: the terminal may be gone, or a full pipe that nobody reads.
  pollfd out{STDERR_FILENO, POLLOUT, 0};
  if (::poll(&out, 1, 100) <= 0)
    return;
  [[maybe_unused]] auto n = ::write(STDERR_FILENO, line.data(), line.size());
}

/// One queue entry is "jsonNULshort": spdlog hands over one payload; the sink parts it.
class two_way_sink final : public spdlog::sinks::base_sink<std::mutex> {
public:
  explicit two_way_sink(std::unique_ptr<log_file> file) : file_(std::move(file)) {}

protected:
  void sink_it_(const spdlog::details::log_msg& msg) override {
    const std::string_view all{msg.payload.data(), msg.payload.size()};
    const auto cut = all.find('\0');
    if (file_ && cut > 0)
      file_->write(all.substr(0, cut));
    if (cut != std::string_view::npos && cut + 1 < all.size())
      write_stderr(all.substr(cut + 1));
  }
  void flush_() override {}

private:
  std::unique_ptr<log_file> file_;
};

struct machinery {
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<two_way_sink> sink;
  std::shared_ptr<spdlog::async_logger> logger;
};

std::mutex guard;
std::shared_ptr<machinery> current;
std::atomic<int> file_least{static_cast<int>(level::off)};
std::atomic<int> stderr_least{static_cast<int>(level::info)};
std::atomic<std::uint64_t> dropped_before{0};

std::shared_ptr<machinery> machine() {
  std::lock_guard lock{guard};
  return current;
}

void set_least() {
  detail::least = std::min(file_least.load(), stderr_least.load());
}

std::string json_line(const std::string& ts, level what, std::string_view component,
                      std::string_view event, fields more) {
  nlohmann::ordered_json line;
  line["ts"] = ts;
  line["level"] = to_string(what);
  line["component"] = component;
  line["event"] = event;
  for (const auto& f : more)
    std::visit([&](auto v) { line[std::string(f.key)] = v; }, f.value);
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string short_line(const std::string& ts, level what, std::string_view component,
                       std::string_view event, fields more) {
  // A child's output must not steer the terminal, hence JSON's escapes for odd strings.
  std::string line = ts.substr(11, 12);
  line.append(" ").append(to_string(what)).append(" ").append(component).append(" ").append(event);
  for (const auto& f : more) {
    line.append(" ").append(f.key).append("=");
    std::visit(
      [&](auto v) {
        nlohmann::json value = v;
        auto text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
        const bool plain
          = value.is_string() && text.find_first_of(" \\=") == std::string::npos && text.size() > 2;
        line.append(plain ? text.substr(1, text.size() - 2) : text);
      },
      f.value);
  }
  line.append("\n");
  return line;
}

} // namespace

std::string_view to_string(level what) noexcept {
  return words[static_cast<std::size_t>(what)];
}

result<level> level_from_string(std::string_view word) {
  const auto found = std::find(words.begin(), words.end(), word);
  if (found == words.end())
    return holt::error{errc::config, "Unknown log level '" + std::string(word)
                                       + "'; use trace, debug, info, warn, error or off."};
  return static_cast<level>(found - words.begin());
}

result<void> open(const options& how) {
  std::unique_ptr<log_file> file;
  if (!how.file.empty()) {
    file = std::make_unique<log_file>(how.file, how.max_bytes, how.keep > 0 ? how.keep - 1 : 0);
    if (auto opened = file->open(); !opened)
      return opened.error();
  }
  close();
  auto next = std::make_shared<machinery>();
  try {
    next->pool = std::make_shared<spdlog::details::thread_pool>(how.queue_lines, 1);
    next->sink = std::make_shared<two_way_sink>(std::move(file));
    next->logger = std::make_shared<spdlog::async_logger>(
      "holt", next->sink, next->pool, spdlog::async_overflow_policy::overrun_oldest);
    next->logger->set_level(spdlog::level::trace);
    next->logger->set_error_handler([](const std::string&) {});
  } catch (const std::exception& e) {
    return holt::error{errc::io, std::string("Cannot start the log writer: ") + e.what()};
  }
  file_least = static_cast<int>(how.file.empty() ? level::off : how.file_level);
  stderr_least = static_cast<int>(how.stderr_level);
  set_least();
  std::lock_guard lock{guard};
  current = std::move(next);
  return {};
}

void close() {
  std::shared_ptr<machinery> last;
  {
    std::lock_guard lock{guard};
    last = std::move(current);
  }
  file_least = static_cast<int>(level::off);
  set_least();
  if (last)
    dropped_before += last->pool->overrun_counter();
  // The pool's destructor writes what still waits and joins its thread.
}

void reopen() {
  log_file::reopen_all(); // ours with the next line, on the writer thread
  write(level::info, "log", "reopened");
}

void stderr_level(level least) {
  stderr_least = static_cast<int>(least);
  set_least();
}

std::uint64_t dropped() noexcept {
  std::lock_guard lock{guard};
  return dropped_before + (current ? current->pool->overrun_counter() : 0);
}

void write(level what, std::string_view component, std::string_view event, fields more) {
  const bool to_file = static_cast<int>(what) >= file_least;
  const bool to_stderr = static_cast<int>(what) >= stderr_least;
  if (!to_file && !to_stderr)
    return;
  try {
    const auto ts = to_rfc3339(std::chrono::system_clock::now());
    std::string entry;
    if (to_file)
      entry = json_line(ts, what, component, event, more);
    entry.push_back('\0');
    if (to_stderr)
      entry += short_line(ts, what, component, event, more);
    if (auto m = machine())
      m->logger->log(spdlog::level::info, spdlog::string_view_t{entry.data(), entry.size()});
    else if (to_stderr)
      write_stderr(std::string_view{entry}.substr(entry.find('\0') + 1));
  } catch (...) {
    // Out of memory: the line is lost, the caller goes on.
  }
}

} // namespace holt::log

// SPDX-License-Identifier: Apache-2.0
#include "client/process_log.hpp"

#include "client/event_stream.hpp"
#include "messages/command.hpp"
#include "messages/json_text.hpp"
#include "transport/url.hpp"

#include <poll.h>

namespace holt::client {

namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds quiet{45'000}; ///< the daemon says something every 15 s
constexpr milliseconds first_pause{100};
constexpr milliseconds longest_pause{2'000};
constexpr std::size_t piece_bytes = 256 * 1024;

std::optional<int> number_of(const json& from, const char* name) {
  auto i = from.find(name);
  if (i == from.end() || !i->is_number_integer())
    return {};
  return i->get<int>();
}

/// One connection of a follow.
class one_round {
public:
  one_round(const log_ears& ears, std::uint64_t& last) : ears_{ears}, last_{last} {}

  result<std::optional<process_exit>> read(exchange& from) {
    std::string buffer(piece_bytes, '\0');
    while (true) {
      auto got = from.read(buffer.data(), buffer.size(), quiet);
      if (!got)
        return got.error();
      if (*got == 0)
        return end_;
      heard_ = true;
      events_.feed({buffer.data(), *got}, [this](const server_event& e) { return take(e); });
      if (wrong_)
        return *wrong_;
      if (end_)
        return end_;
    }
  }

  bool heard() const noexcept { return heard_; }
  /// The entry's taker does not want any more.
  bool refused() const noexcept { return refused_; }

private:
  bool take(const server_event& what) {
    if (what.name == "log")
      return entry(what.data);
    auto data = json::parse(what.data, nullptr, false);
    if (!data.is_object())
      return true;
    if (what.name == "lost") {
      last_ = std::max(last_, data.value("throughSequence", std::uint64_t{0}));
      ears_.lost(data.value("bytes", std::uint64_t{0}));
    } else if (what.name == "exit") {
      end_ = process_exit{number_of(data, "exitCode"), number_of(data, "signal")};
      return false;
    }
    return true;
  }

  bool entry(std::string_view text) {
    auto one = read_entry(text);
    if (!one) {
      wrong_ = one.error();
      return false;
    }
    if (one->sequence <= last_)
      return true;
    if (auto taken = ears_.entry(*one); !taken) {
      wrong_ = taken.error();
      refused_ = true;
      return false;
    }
    last_ = one->sequence;
    return true;
  }

  const log_ears& ears_;
  std::uint64_t& last_;
  event_stream events_;
  std::optional<process_exit> end_;
  std::optional<error> wrong_;
  bool heard_ = false;
  bool refused_ = false;
};

bool may_come_back(errc code) {
  return code == errc::io || code == errc::timeout || code == errc::no_daemon || code == errc::busy
         || code == errc::shutting_down;
}

} // namespace

std::string process_route(const std::string& id, std::string_view rest) {
  return "/v1/processes/" + url::percent_encode(id) + std::string{rest};
}

bool pause_unless(int wake_fd, milliseconds limit) {
  pollfd one{wake_fd, POLLIN, 0};
  return ::poll(&one, wake_fd >= 0 ? 1 : 0, static_cast<int>(limit.count())) <= 0;
}

namespace {

const error no_entry{errc::io, "an entry of the log is none"};

/// `data`: its value there, which `from` need not have.
result<log_entry> entry_of(const json& from, std::string_view data) {
  auto sequence = from.find("sequence");
  auto stream = from.find("stream");
  if (sequence == from.end() || !sequence->is_number_unsigned() || stream == from.end()
      || !stream->is_string())
    return no_entry;
  auto bytes = from_base64(data);
  if (!bytes)
    return no_entry;
  log_entry out;
  out.sequence = sequence->get<std::uint64_t>();
  out.stream = stream->get<std::string>();
  if (auto at = from.find("timestampMs"); at != from.end() && at->is_number_integer())
    out.timestamp_ms = at->get<std::int64_t>();
  out.bytes = std::move(*bytes);
  return out;
}

} // namespace

result<log_entry> read_entry(const json& from) {
  const auto data = from.is_object() ? from.find("data") : from.end();
  if (data == from.end() || !data->is_string())
    return no_entry;
  return entry_of(from, data->get_ref<const std::string&>());
}

result<log_entry> read_entry(std::string_view text) {
  const auto data = json_text::member(text, "data");
  if (!data || !json_text::is_string(*data))
    return no_entry;
  const auto begin = static_cast<std::size_t>(data->data() - text.data());
  auto rest
    = std::string{text.substr(0, begin)}.append("0").append(text.substr(begin + data->size()));
  const auto from = json::parse(rest, nullptr, false);
  if (!from.is_object())
    return no_entry;
  const auto plain = data->substr(1, data->size() - 2);
  if (plain.find('\\') == plain.npos)
    return entry_of(from, plain);
  const auto unescaped = json_text::unquote(*data);
  return unescaped ? entry_of(from, *unescaped) : result<log_entry>{no_entry};
}

result<process_exit> follow_log(const api& from, const std::string& id, std::uint64_t since,
                                const log_ears& ears, milliseconds patience) {
  auto give_up = steady_clock::now() + patience;
  auto pause = first_pause;
  while (true) {
    outgoing what;
    what.target
      = process_route(id, std::string{"/logs?follow=true"} + (ears.lossless ? "&lossless=true" : "")
                            + (since > 0 ? "&since=" + std::to_string(since) : ""));
    what.headers.push_back({"Accept", "text/event-stream"});
    http::response head;
    error why{errc::io, "the connection ended before the process did"};
    auto got = from.open(what, head);
    if (got) {
      one_round round{ears, since};
      auto end = round.read(**got);
      if (end && *end)
        return **end;
      if (!end)
        why = end.error();
      if (round.refused())
        return why;
      if (round.heard()) {
        give_up = steady_clock::now() + patience;
        pause = first_pause;
      }
    } else {
      why = got.error();
    }
    if (!may_come_back(why.code) || steady_clock::now() > give_up)
      return why;
    if (!pause_unless(from.wake_fd(), pause))
      return error{errc::cancelled, "It was interrupted."};
    pause = std::min(pause * 2, longest_pause);
  }
}

} // namespace holt::client

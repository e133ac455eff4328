// SPDX-License-Identifier: Apache-2.0
#include "client/process_input.hpp"

#include "client/process_log.hpp"
#include "messages/command.hpp"

namespace holt::client {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Less than the daemon keeps an idle connection.
constexpr std::chrono::seconds kept_for{20};
constexpr milliseconds first_pause{5};
constexpr milliseconds longest_pause{200};
constexpr milliseconds patience{30'000}; ///< without a connection

} // namespace

result<void> process_input::write(std::string_view bytes) {
  const auto body = R"({"encoding":"base64","data":")" + to_base64(bytes) + "\"}";
  auto pause = first_pause;
  auto give_up = steady_clock::now() + patience;
  while (true) {
    auto done = post("/input", body);
    if (done)
      return done;
    const auto code = done.error().code;
    if (code == errc::busy) // it does not read: that may take for ever
      give_up = steady_clock::now() + patience;
    else if (code != errc::no_daemon || steady_clock::now() > give_up)
      return done;
    if (!pause_unless(api_.wake_fd(), pause))
      return error{errc::cancelled, "It was interrupted."};
    pause = std::min(pause * 2, longest_pause);
  }
}

result<void> process_input::close() {
  return post("/input/close", "");
}

result<void> process_input::post(const std::string& route, const std::string& body) {
  const auto now = steady_clock::now();
  if (kept_ && (now - used_ > kept_for || !kept_->reusable()))
    kept_.reset();
  if (!kept_) {
    auto fresh = exchange::open(api_.to(), api_.wake_fd());
    if (!fresh)
      return fresh.error();
    kept_ = std::move(*fresh);
  }
  outgoing what;
  what.method = "POST";
  what.target = process_route(id_, route);
  if (!body.empty())
    what.headers.push_back({"Content-Type", "application/json"});
  what.body = body;
  auto sent = kept_->begin(what);
  auto answer = sent ? json_answer(*kept_, milliseconds{60'000}) : sent.error();
  used_ = steady_clock::now();
  if (answer)
    return {};
  kept_.reset();
  return answer.error();
}

} // namespace holt::client

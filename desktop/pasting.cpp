// SPDX-License-Identifier: Apache-2.0
#include "desktop/pasting.hpp"

namespace holt::desktop {

using namespace std::chrono_literals;

namespace {

constexpr auto ask_patience = 5s;    ///< until the program in front asks for the text
constexpr auto fetch_patience = 20s; ///< until it has got all of it
constexpr auto quiet = 150ms;        ///< some fetch it twice
constexpr auto look_again = 10ms;

} // namespace

pasting::pasting(clipboard& board, std::string text) : board_(board), text_(std::move(text)) {
  board_.keep([into = kept_](result<clipboard_kept> got) { into->what = std::move(got); });
}

pasting::~pasting() {
  put_back();
}

void pasting::put_back() {
  board_.watch_requests(nullptr);
  if (step_ == step::press || step_ == step::wait)
    static_cast<void>(board_.put_back(**kept_->what));
  step_ = step::done;
}

bool pasting::ready_to_press(clock::time_point now) {
  if (step_ == step::keep && kept_->what) {
    if (!*kept_->what) {
      failed_ = kept_->what->error();
      return false;
    }
    auto lent = board_.lend(
      {{std::string{plain_text}, std::make_shared<const std::string>(std::move(text_))}});
    if (!lent) {
      failed_ = lent.error();
      return false;
    }
    step_ = step::press;
    since_ = now;
  }
  return step_ == step::press;
}

void pasting::pressed(clock::time_point now) {
  step_ = step::wait;
  since_ = last_request_ = now;
  front_ = board_.client_in_front();
  board_.watch_requests(
    [this](xcb_window_t requestor, selection_server::step what) { on_request(requestor, what); });
}

void pasting::on_request(xcb_window_t requestor, selection_server::step now) {
  // Others read what is copied as well: viewers' engines, clipboard managers.
  if (front_ != 0 && board_.client_of(requestor) != front_)
    return;
  last_request_ = clock::now();
  fetching_ += now == selection_server::step::begun ? 1 : -1;
  fetched_ = fetched_ || now == selection_server::step::whole;
}

result<std::optional<pasting::clock::time_point>> pasting::go_on(clock::time_point now) {
  using progress = result<std::optional<clock::time_point>>;
  if (failed_)
    return *failed_;
  if (step_ != step::wait)
    return progress{now + look_again};
  if (!board_.owned()) { // somebody copied: the text is not to be had any more
    put_back();
    if (fetched_)
      return progress{std::nullopt};
    return error{errc::conflict, "somebody copied something before the text was pasted"};
  }
  if (fetched_ && fetching_ <= 0 && now - last_request_ >= quiet) {
    put_back();
    return progress{std::nullopt};
  }
  const bool late
    = !fetched_ && fetching_ <= 0 ? now - since_ > ask_patience : now - since_ > fetch_patience;
  if (!late)
    return progress{now + look_again};
  put_back();
  if (fetched_)
    return progress{std::nullopt};
  return error{errc::conflict, "pasteKey: the program in front did not paste the text"};
}

} // namespace holt::desktop

// SPDX-License-Identifier: Apache-2.0
#pragma once

// Screenshots for many callers: grabbed on the X thread, encoded on threads of their own, at most
// a few pictures in memory at a time; the rest wait in line. An unchanged screen is encoded once.
// Thread-safe.

#include "actors/x_thread.hpp"
#include "desktop/shot.hpp"

#include <boost/asio/thread_pool.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace holt {

struct screenshot_wish {
  desktop::shot_wish how;
  bool with_cursor = false;
  std::optional<desktop::rectangle> region;  ///< cut to the screen
  std::optional<std::uint32_t> window;       ///< what this window shows
  std::chrono::milliseconds settle{0};       ///< first wait until nothing changed for so long
  std::chrono::milliseconds settle_limit{0}; ///< but no longer than this
  std::string known_tag;                     ///< If-None-Match
};

struct screenshot {
  std::shared_ptr<const std::string> bytes; ///< null: the caller has it (`known_tag`)
  std::string tag;                          ///< ETag, quoted
  std::uint64_t frame = 0;
  desktop::rectangle area; ///< of the screen
  unsigned width = 0;      ///< of the picture
  unsigned height = 0;
  bool settled = true;
};

using screenshot_answer = std::function<void(result<screenshot>)>;

class screenshots : public std::enable_shared_from_this<screenshots> {
public:
  explicit screenshots(x_door_ptr door);
  ~screenshots();

  void take(screenshot_wish wish, screenshot_answer answer);

private:
  struct request {
    screenshot_wish wish;
    screenshot_answer answer;
  };
  void grab(request what);
  void picture(desktop::workbench& bench, const request& what, bool settled);
  void encode(desktop::shot shot, const request& what, screenshot partial);
  void answer(const request& what, result<screenshot> got);

  x_door_ptr door_;
  std::mutex mutex_;
  std::deque<request> waiting_;
  unsigned under_way_ = 0;
  std::optional<screenshot> last_; ///< encoded last, for the next with the same tag
  boost::asio::thread_pool encoders_{2};
};

} // namespace holt

// SPDX-License-Identifier: Apache-2.0
#pragma once

// A selection (CLIPBOARD or PRIMARY) as UTF-8 text: owns it after set(), reads what other clients
// copy, both also in pieces (INCR). Event-driven: nothing here waits; the owner feeds events and
// calls tick(). Text is cut off from the outside at 1 MiB; at most 16 transfers run, each given up
// after 5 s without progress. Works on the thread of its connection; must not outlive it.

#include "desktop/connection.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace holt::desktop {

inline constexpr std::size_t max_clipboard_bytes = 1024 * 1024;

enum class selection : std::uint8_t { clipboard, primary };

class clipboard {
public:
  using clock = std::chrono::steady_clock;
  /// Text that another client put into the clipboard. On the connection's thread.
  using on_text = std::function<void(const std::string&)>;

  static result<std::unique_ptr<clipboard>> create(connection& x, on_text changed,
                                                   selection which = selection::clipboard);
  ~clipboard();
  clipboard(const clipboard&) = delete;
  clipboard& operator=(const clipboard&) = delete;

  /// Becomes owner. Errors: payload_too_large, invalid_request (not UTF-8), io.
  result<void> set(std::string text);

  /// The text last set or seen.
  const std::string& text() const noexcept { return text_; }
  bool owned() const noexcept { return owned_; }

  /// Feed every event of the connection.
  void on_event(const xcb_generic_event_t& event);

  /// Gives up transfers without progress.
  void tick(clock::time_point now = clock::now());

  /// A transfer is running: call tick() within a second.
  bool busy() const noexcept { return reading_ || !outgoing_.empty(); }

  /// What another client has just copied is being read: text() is of before.
  bool reading() const noexcept { return reading_; }

private:
  struct transfer {
    xcb_window_t requestor = 0;
    xcb_atom_t property = 0;
    xcb_atom_t type = 0;
    std::string text;
    std::size_t sent = 0;
    clock::time_point progress{};
  };

  clipboard(connection& x, on_text changed, selection which);
  result<void> set_up();
  void start_read(xcb_timestamp_t time, xcb_atom_t target);
  void finish_read();
  void on_notify(const xcb_selection_notify_event_t& event);
  void on_property(const xcb_property_notify_event_t& event);
  void serve(const xcb_selection_request_event_t& event);
  bool put(xcb_window_t requestor, xcb_atom_t property, xcb_atom_t target);
  bool read_property(std::string& into, xcb_atom_t& type);

  connection& x_;
  on_text changed_;
  selection which_;
  xcb_window_t window_ = 0;
  xcb_atom_t clipboard_ = 0, utf8_ = 0, plain_ = 0, targets_ = 0, incr_ = 0, text_atom_ = 0,
             property_ = 0;
  std::size_t chunk_ = 0; ///< bytes a property change may carry
  std::string text_;
  bool owned_ = false;
  bool reading_ = false;
  bool incremental_ = false;
  xcb_atom_t asked_ = 0;
  std::string incoming_;
  clock::time_point read_progress_{};
  std::vector<transfer> outgoing_;
};

} // namespace holt::desktop

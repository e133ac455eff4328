// SPDX-License-Identifier: Apache-2.0
#pragma once

// A selection (CLIPBOARD or PRIMARY) with whatever is on it: owns it after set(), reads what other
// programs copied, tells of changes. Event-driven: nothing here waits; the owner feeds events and
// calls tick(). Contents of others are read when they are asked for, a text also at once where
// somebody listens for texts. Works on the thread of its connection; must not outlive it.

#include "desktop/selection_reader.hpp"
#include "desktop/selection_server.hpp"

#include <cstdint>
#include <optional>

namespace holt::desktop {

/// Of a text that is read as soon as it was copied.
inline constexpr std::size_t max_clipboard_bytes = 1024 * 1024;

enum class selection : std::uint8_t { clipboard, primary };

/// Who owns it now.
struct clipboard_change {
  bool owned = false;             ///< we do
  bool empty = false;             ///< nobody does
  std::string by;                 ///< whoever called set()
  std::vector<std::string> types; ///< media types
  std::size_t bytes = 0;          ///< of all parts, where we own it
  std::string app;                ///< the program, where it says its name
};

/// Everything that was on it, to be put back.
struct clipboard_kept {
  std::vector<clip_target> targets;
  std::vector<std::string> types;
  std::string by;
};

class clipboard {
public:
  using clock = std::chrono::steady_clock;
  /// Text that another client put into the clipboard. On the connection's thread.
  using on_text = std::function<void(const std::string&)>;
  using on_change = std::function<void(const clipboard_change&)>;
  using on_part = std::function<void(result<clip_part>)>;
  using on_kept = std::function<void(result<clipboard_kept>)>;

  /// `changed`: hears every text of up to 1 MiB as soon as it was copied; null: nobody listens.
  static result<std::unique_ptr<clipboard>> create(connection& x, on_text changed,
                                                   selection which = selection::clipboard);
  ~clipboard();
  clipboard(const clipboard&) = delete;
  clipboard& operator=(const clipboard&) = delete;

  /// Hears who owns it; of programs' quick changes at most four a second, the last one always.
  void listen(on_change what) { heard_ = std::move(what); }

  /// Becomes owner. Errors: payload_too_large, invalid_request (not UTF-8), io.
  result<void> set(std::string text);
  result<void> set(std::vector<clip_part> parts, std::string by);

  /// Becomes owner for a moment, of which listen() does not tell.
  result<void> lend(std::vector<clip_part> parts);
  /// All that is there: what its owner does not give is left out. payload_too_large, timeout …
  void keep(on_kept what);
  /// Ends lend(), unless somebody else copied meanwhile.
  result<void> put_back(const clipboard_kept& what);
  /// What was kept becomes ours, as its owner wishes that ends. False: there is nothing.
  bool take_over(const clipboard_kept& what);

  /// The text last set, or heard with `changed`.
  const std::string& text() const noexcept { return text_; }
  bool owned() const noexcept { return owned_; }

  /// Its media types now.
  void list(std::function<void(result<std::vector<std::string>>)> what);
  /// What is there in this media type, or `image`. not_found, payload_too_large, timeout, io.
  void fetch(std::string type, on_part what);

  /// Who asked for content, while we own it.
  void watch_requests(selection_server::on_served what) { server_.watch(std::move(what)); }

  /// The X client that a window belongs to, and the one that has the keyboard; 0: none.
  std::uint32_t client_of(xcb_window_t window) const;
  std::uint32_t client_in_front() const;

  /// Feed every event of the connection.
  void on_event(const xcb_generic_event_t& event);

  /// Gives up transfers without progress.
  void tick(clock::time_point now = clock::now());

  /// When to call tick() at the latest; max: no need.
  clock::time_point next_tick(clock::time_point now) const;

  /// A transfer is running: call tick() within a second.
  bool busy() const noexcept { return reader_.busy() || server_.busy() || look_due_; }

private:
  clipboard(connection& x, on_text changed, selection which);
  result<void> set_up();
  result<void> own_parts(const std::vector<clip_part>& parts, std::string by, bool quiet);
  result<void> own(const std::vector<clip_target>& targets, std::vector<std::string> types,
                   std::string by, bool quiet);
  void on_owner(xcb_window_t owner, xcb_timestamp_t since);
  void look(clock::time_point now);
  void heard_targets(const result<selection_reader::data>& got);
  void read_text(const std::string& target);
  void tell();
  void after_look(std::function<void()> what);
  void fetch_nth(const std::string& type, std::size_t nth, const on_part& what);
  struct keeping;
  void keep_next(const std::shared_ptr<keeping>& how);

  connection& x_;
  atom_names names_;
  on_text changed_;
  on_change heard_;
  selection which_;
  xcb_window_t window_;
  selection_server server_;
  selection_reader reader_;
  xcb_atom_t selection_ = 0, targets_ = 0;
  std::string text_;
  bool owned_ = false;
  bool quiet_ = false; ///< what we own is lent, or was put back
  bool told_empty_ = true;
  std::optional<std::uint32_t> own_request_; ///< its sequence number, until its event came
  xcb_window_t owner_ = 0;
  std::vector<clip_target> ours_;
  std::string by_;
  std::size_t ours_bytes_ = 0;
  std::vector<std::string> types_;   ///< media types
  std::vector<std::string> offered_; ///< targets, where another owns it
  std::optional<error> look_failed_; ///< its owner did not tell what it has; it is asked again
  bool looking_ = false;
  bool look_due_ = false;
  std::uint64_t owner_number_ = 0; ///< of the change that a look is about
  clock::time_point looked_{};
  std::vector<std::function<void()>> after_look_;
};

} // namespace holt::desktop

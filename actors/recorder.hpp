// SPDX-License-Identifier: Apache-2.0
#pragma once

// Records the screen and its sound: one recording at a time, ffmpeg as temporary children
// `recorder/<id>` of the tree, the files in a recording_store. When the screen changes its size a
// further part begins, which joins the same video. Lives as long as the daemon; works on a strand
// of the threads that may block. Thread-safe; answers come once, on any thread. Never kills ffmpeg
// itself: the tree does.

#include "actors/activity.hpp"
#include "actors/desktop_children.hpp"
#include "actors/recording_plan.hpp"
#include "actors/tree_client.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <optional>

namespace holt {

struct recorder_deps {
  process_tools tools;
  desktop_context_ptr context; ///< null: no desktop, nothing new is recorded
  x_door_ptr door;
  std::shared_ptr<tree_client> tree; ///< filled before the first start
  actor_ref<activity_actor> activity;
  boost::asio::any_io_executor blocking;
  std::string folder;  ///< of the recordings
  std::string log_dir; ///< for recorder.log
  recording_limits limits;
};

struct recording_wish {
  std::optional<unsigned> fps;
  std::optional<bool> sound; ///< not said: where there is some
  std::string who;           ///< for the feed
};

/// An open video.
struct recording_file {
  std::shared_ptr<const void> owner; ///< closes it
  int fd = -1;
  std::uint64_t size = 0; ///< bytes, of now
  std::string etag;       ///< quoted
  std::string name;
};

class recorder : public std::enable_shared_from_this<recorder> {
public:
  template <class T>
  using answer = std::function<void(result<T>)>;
  using document = nlohmann::json;

  explicit recorder(recorder_deps deps);

  /// Settles what a dead daemon left, at once.
  void open();
  /// Answers when the first pictures are in the file. conflict: one runs, no desktop, or a limit.
  void start(recording_wish what, answer<document> done);
  /// Answers when the file is final. conflict: none runs.
  void stop(answer<document> done);
  /// Oldest first.
  void list(answer<document> done);
  void find(std::string id, answer<document> done);
  void open_file(std::string id, answer<recording_file> done);
  /// conflict while it runs.
  void remove(std::string id, std::string who, answer<void> done);
  /// Ends what runs; `done` when its file is final.
  void goodbye(std::function<void()> done);

private:
  struct active;
  using active_ptr = std::shared_ptr<active>;
  class watched_port;

  template <class F>
  void on_strand(F what);
  result<void> ready_store();
  result<recording> kept(const std::string& id);
  document show(recording what) const;

  // -- on the strand, recorder_run.cpp
  void begin(const active_ptr& run, const result<supervision::tree_report>& tree);
  void make(const active_ptr& run, const result<desktop::screen_size>& size);
  void launch(const active_ptr& run);
  recording_run arguments_of(const active& run) const;
  void heard(const active_ptr& run, unsigned part, const supervision::child_event& what);
  void came_up(const active_ptr& run);
  void part_over(const active_ptr& run, const supervision::exited& how);
  void go_on(const active_ptr& run, const supervision::exited& how,
             const result<desktop::screen_size>& size);
  void next_part(const active_ptr& run, desktop::screen_size size);
  void stop_part(const active_ptr& run);
  void finish(const active_ptr& run, recording_status status, std::string reason,
              std::vector<std::string> last_lines = {});
  void refuse(const active_ptr& run, const error& why);
  void look_later(const active_ptr& run);
  void look(const active_ptr& run);
  void ask_size(const active_ptr& run,
                void (recorder::*then)(const active_ptr&, const result<desktop::screen_size>&));
  void saw_size(const active_ptr& run, const result<desktop::screen_size>& size);
  bool current(const active_ptr& run) const { return now_ == run; }

  recorder_deps deps_;
  boost::asio::strand<boost::asio::any_io_executor> strand_;
  recording_store store_;
  bool open_ = false;
  active_ptr now_; ///< null: nothing is recorded
};

using recorder_ptr = std::shared_ptr<recorder>;

} // namespace holt

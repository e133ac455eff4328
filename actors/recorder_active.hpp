// SPDX-License-Identifier: Apache-2.0
#pragma once

// The recording that runs, and its child as the tree sees it. Used by recorder*.cpp only; touched
// on the recorder's strand.

#include "actors/recorder.hpp"

namespace holt {

struct recorder::active {
  active(boost::asio::io_context& io, recording_wish wanted) : wish{std::move(wanted)}, timer{io} {}

  using clock = std::chrono::steady_clock;

  recording_wish wish;
  recording what;
  answer<document> started; ///< who waits for the first pictures; null: told
  std::vector<answer<document>> stoppers;
  std::vector<std::function<void()>> leavers;
  desktop::screen_size screen;        ///< that the present part shows
  bool sound_there = false;           ///< for the present part
  std::uint64_t allowed = 0;          ///< bytes of the whole
  unsigned part = 0;                  ///< number of the present one, from 1
  std::optional<recording_part> more; ///< of the second part and later
  child_id child;                     ///< empty: none runs
  bool up = false;                    ///< pictures are in the file
  bool stopping = false;              ///< by us, for good
  bool resizing = false;              ///< by us, for the next part
  bool stopped_by_tree = false;
  unsigned short_parts = 0; ///< in a row
  clock::time_point begun;  ///< the first pictures
  clock::time_point part_begun;
  clock::time_point patience; ///< until it is up, or until its stop is over
  std::string stop_reason;
  boost::asio::steady_timer timer;
};

/// Hears what the tree hears of a child, and that the tree stops it.
class recorder::watched_port final : public supervision::child_port {
public:
  watched_port(supervision::child_port_ptr inner, std::weak_ptr<recorder> owner, active_ptr run)
    : inner_{std::move(inner)}, owner_{std::move(owner)}, run_{run}, part_{run->part} {}

  void start(generation gen, supervision::event_sink sink) override;
  void stop(generation gen) override;
  void kill(generation gen) override { inner_->kill(gen); }
  void probe(generation gen) override { inner_->probe(gen); }

private:
  supervision::child_port_ptr inner_;
  std::weak_ptr<recorder> owner_;
  std::weak_ptr<active> run_;
  unsigned part_;
};

template <class F>
void recorder::on_strand(F what) {
  boost::asio::post(strand_,
                    [self = shared_from_this(), what = std::move(what)]() mutable { what(*self); });
}

} // namespace holt

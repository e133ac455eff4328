// SPDX-License-Identifier: Apache-2.0
#include "stream/video_worker.hpp"

#include "desktop/modes.hpp"
#include "desktop/screenshot.hpp"

#include <pthread.h>

namespace holt::stream {

using namespace std::chrono;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t max_jobs = 8;
constexpr int refinements = 8; ///< re-encodings of a picture at rest, then silence
constexpr auto key_interval = 100ms;
constexpr auto ping_interval = 1s;

screen_size to_stream(const desktop::screen_size& s) {
  return {s.width, s.height, s.rate};
}

std::uint64_t in_us(steady_clock::duration d) {
  return static_cast<std::uint64_t>(duration_cast<microseconds>(d).count());
}

} // namespace

video_source::worker::worker(video_settings settings, video_callbacks callbacks)
  : bitrate(settings.bitrate_bps),
    settings_(std::move(settings)),
    callbacks_(std::move(callbacks)) {
  settings_.fps = std::clamp(settings_.fps, 1u, 120u);
}

result<void> video_source::worker::start() {
  if (thread_.joinable())
    return error{errc::conflict, "the source runs already"};
  if (!waker.valid())
    return error{errc::io, "no eventfd"};
  auto x = desktop::connection::open(settings_.display);
  if (!x)
    return x.error();
  x_ = std::move(*x);
  desktop::watch_modes(*x_);
  auto wanted = settings_.initial;
  auto now = desktop::current_mode(*x_);
  if (!now)
    return now.error();
  if (wanted.width != 0 && to_stream(*now) != wanted)
    if (auto set = desktop::set_mode(*x_, {wanted.width, wanted.height, wanted.rate}); !set)
      return set.error();
  capture_.emplace(*x_);
  damage_.emplace(*x_);
  if (auto read = read_size(); !read)
    return read;
  began_ = clock::now();
  tick = began_.time_since_epoch().count();
  quit_ = false;
  running = true;
  thread_ = std::thread{[this] { run(); }};
  return {};
}

void video_source::worker::stop() {
  if (!thread_.joinable())
    return;
  quit_ = true;
  waker.wake();
  x_->abort(); // also out of a wait for a server that hangs
  thread_.join();
  encoder_.reset();
  damage_.reset();
  capture_.reset();
  x_.reset();
}

std::optional<video_source::worker::job> video_source::worker::queue(job what) {
  {
    std::lock_guard lock{mutex_};
    if (running && !quit_ && jobs_.size() < max_jobs) {
      jobs_.push_back(std::move(what));
      waker.wake();
      return {};
    }
  }
  what.why = running ? errc::busy : errc::engine_unavailable;
  return what;
}

screen_size video_source::worker::size() const {
  std::lock_guard lock{mutex_};
  return size_;
}

video_statistics video_source::worker::statistics() const {
  std::lock_guard lock{mutex_};
  return statistics_;
}

void video_source::worker::run() {
  pthread_setname_np(pthread_self(), "video");
  while (!quit_) {
    auto until = turn();
    if (quit_)
      break;
    if (!until) {
      auto why = until.error();
      return end(&why);
    }
    waker.wait(x_->fd(), *until);
  }
  end(nullptr);
}

void video_source::worker::end(const error* why) {
  std::deque<job> left;
  {
    std::lock_guard lock{mutex_};
    running = false;
    left.swap(jobs_);
  }
  encoder_.reset();
  if (why == nullptr)
    return; // stopped: no callback any more
  error ended{errc::engine_unavailable, "the picture source has ended"};
  for (auto& j : left)
    j.shot ? j.shot(ended) : j.resized(ended);
  if (callbacks_.on_failure)
    callbacks_.on_failure(*why);
}

/// One round: takes what has come in, makes at most one frame, answers when the next is due.
result<video_source::worker::clock::time_point> video_source::worker::turn() {
  if (auto drained = drain_events(); !drained)
    return drained.error();
  run_jobs();
  auto now = clock::now();
  if (now >= next_ping_) {
    if (auto answered = x_->ping(); !answered)
      return answered.error();
    now = clock::now();
    next_ping_ = now + ping_interval;
    tick = now.time_since_epoch().count();
  }
  if (viewers == 0) {
    rest();
    return next_ping_;
  }
  auto key_due = last_key_ + key_interval;
  bool key = key_wanted && now >= key_due;
  bool fresh = damaged_ || !have_picture_ || encoder_ == nullptr;
  // A refining picture never makes a change wait: changes keep their own pace.
  auto work_due = fresh ? next_capture_ : refine_left_ > 0 ? next_refine_ : next_ping_;
  bool work = (fresh || refine_left_ > 0) && now >= work_due;
  if (!key && !work)
    return std::min({next_ping_, work_due, key_wanted ? key_due : next_ping_});
  auto period = duration_cast<clock::duration>(1s) / settings_.fps;
  if (fresh && now >= next_capture_) {
    auto done = capture_now();
    if (!done)
      return done.error();
    if (!*done)
      return clock::now(); // the screen is changing its size: look again
    // A steady rate while busy; after a rest the first picture goes at once.
    next_capture_ = std::max(next_capture_ + period, now + period * 3 / 4);
  }
  if (!have_picture_)
    return next_capture_;
  if (!key && refine_left_ == 0 && encoder_ != nullptr)
    return clock::now(); // the change was outside the screen
  next_refine_ = now + period;
  if (auto encoded = encode_now(key); !encoded)
    return encoded.error();
  return clock::now();
}

result<void> video_source::worker::drain_events() {
  while (auto event = x_->next_event()) {
    if (damage_->is_event(*event))
      damaged_ = true;
    else if (desktop::is_mode_event(*x_, *event))
      if (auto read = read_size(); !read)
        return read;
  }
  if (x_->lost())
    return error{errc::stream_pipeline, "the X server is gone"};
  return {};
}

/// The screen's size as it is now; a change makes a new picture, encoder and key frame.
result<void> video_source::worker::read_size() {
  auto now = desktop::current_mode(*x_);
  if (!now)
    return now.error();
  auto fresh = to_stream(*now);
  {
    std::lock_guard lock{mutex_};
    if (fresh == size_)
      return {};
    size_ = fresh;
  }
  if (picture_.width() != fresh.width || picture_.height() != fresh.height) {
    picture_.resize(fresh.width, fresh.height);
    have_picture_ = false;
    encoder_.reset();
  }
  if (callbacks_.on_size)
    callbacks_.on_size(fresh);
  return {};
}

void video_source::worker::run_jobs() {
  for (;;) {
    job next;
    {
      std::lock_guard lock{mutex_};
      if (jobs_.empty())
        return;
      next = std::move(jobs_.front());
      jobs_.pop_front();
    }
    next.shot ? run_shot(next) : run_resize(next);
  }
}

void video_source::worker::run_resize(job& what) {
  auto set = desktop::set_mode(*x_, {what.size.width, what.size.height, what.size.rate});
  if (auto read = read_size(); set && !read)
    set = read.error();
  if (!what.resized)
    return;
  if (set)
    what.resized(to_stream(*set));
  else
    what.resized(set.error());
}

void video_source::worker::run_shot(job& what) {
  auto pixels = capture_->grab_all();
  if (pixels)
    what.shot(desktop::encode_jpeg(*pixels, what.quality));
  else
    what.shot(pixels.error());
}

/// Brings picture_ up to date: what changed where that is little, else everything. False: the
/// screen shrank under our hands.
result<bool> video_source::worker::capture_now() {
  auto begin = clock::now();
  damaged_ = false;
  auto changed = damage_->take();
  if (!changed)
    return changed.error();
  desktop::rectangle all{0, 0, picture_.width(), picture_.height()};
  auto area = have_picture_ ? desktop::even_inside(*changed, all.width, all.height) : all;
  captured_ = system_clock::now();
  captured_steady_ = clock::now();
  if (!area.empty()) {
    auto pixels = capture_->grab(area);
    if (!pixels && pixels.error().code == errc::invalid_request) {
      have_picture_ = false;
      auto read = read_size();
      if (!read)
        return read.error();
      return false;
    }
    if (!pixels)
      return pixels.error();
    if (auto put = picture_.put(*pixels, area.x, area.y); !put)
      return put.error();
    have_picture_ = true;
    refine_left_ = refinements + 1;
  }
  std::lock_guard lock{mutex_};
  statistics_.capture_us += in_us(clock::now() - begin);
  return true;
}

result<void> video_source::worker::encode_now(bool key) {
  auto begin = clock::now();
  if (encoder_ == nullptr) {
    auto made
      = vp8_encoder::create({picture_.width(), picture_.height(), bitrate.load(), settings_.fps});
    if (!made)
      return made.error();
    encoder_ = std::move(*made);
    key = true;
  }
  if (auto bps = bitrate.load(); bps != encoder_->settings().bitrate_bps)
    if (auto set = encoder_->set_bitrate(bps); !set)
      return set;
  if (key)
    key_wanted = false;
  // A re-encoding has no new capture time; it is as true now as it was then.
  if (refine_left_ != refinements + 1) {
    captured_ = system_clock::now();
    captured_steady_ = clock::now();
  }
  refine_left_ = std::max(refine_left_ - 1, 0);
  auto since = duration_cast<microseconds>(captured_steady_ - began_).count();
  auto timestamp = std::max(static_cast<std::uint64_t>(std::max<std::int64_t>(since, 0)) * 9 / 100,
                            last_timestamp_ + 1);
  last_timestamp_ = timestamp;
  auto packet = encoder_->encode(picture_, timestamp, key);
  if (!packet)
    return packet.error();
  if (packet->key)
    last_key_ = clock::now();
  auto frame = std::make_shared<encoded_frame>();
  frame->video = true;
  frame->key = packet->key;
  frame->rtp_timestamp = static_cast<std::uint32_t>(timestamp);
  frame->captured = captured_;
  frame->data = std::move(packet->data);
  {
    std::lock_guard lock{mutex_};
    ++statistics_.frames;
    statistics_.keys += frame->key;
    statistics_.bytes += frame->data.size();
    statistics_.encode_us += in_us(clock::now() - begin);
  }
  if (callbacks_.on_frame)
    callbacks_.on_frame(std::move(frame));
  return {};
}

/// Nobody watches: no encoder, no picture. Damage stays untaken, so X sends nothing more either.
void video_source::worker::rest() {
  encoder_.reset();
  have_picture_ = false;
  refine_left_ = 0;
}

} // namespace holt::stream

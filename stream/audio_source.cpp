// SPDX-License-Identifier: Apache-2.0
#include "stream/audio_worker.hpp"

#include <algorithm>
#include <utility>

#include <pthread.h>

namespace holt::stream {

using namespace std::chrono;
using namespace std::chrono_literals;

namespace {

constexpr auto packet_time = 20ms;
constexpr auto connect_patience = 5s;
constexpr unsigned silent_before_sparse = 25; ///< packets, half a second
constexpr std::size_t packet_values = opus_frame_samples * 2;
constexpr std::size_t max_backlog = packet_values * 10; ///< then the oldest sound is left out
constexpr std::uint64_t max_drift = opus_rate / 10; ///< samples between our clock and the sound's

} // namespace

audio_source::worker::worker(audio_settings settings, audio_callbacks callbacks)
  : settings_(std::move(settings)), callbacks_(std::move(callbacks)) {}

audio_source::worker::~worker() {
  stop();
}

result<void> audio_source::worker::start() {
  if (thread_.joinable())
    return error{errc::conflict, "the source runs already"};
  loop_ = pa_mainloop_new();
  if (loop_ == nullptr)
    return error{errc::internal, "libpulse gave no main loop"};
  quit_ = false;
  began_ = clock::now();
  back_off_ = settings_.retry_first;
  thread_ = std::thread{[this] { run(); }};
  return {};
}

void audio_source::worker::stop() {
  if (!thread_.joinable())
    return;
  quit_ = true;
  wake();
  thread_.join();
  pa_mainloop_free(loop_);
  loop_ = nullptr;
}

void audio_source::worker::wake() {
  woken_ = true;
  if (loop_ != nullptr)
    pa_mainloop_wakeup(loop_);
}

void audio_source::worker::run() {
  pthread_setname_np(pthread_self(), "audio");
  while (!quit_) {
    woken_ = false;
    turn();
    if (pa_mainloop_prepare(loop_, wait_us()) < 0)
      break;
    // Preparing forgets every wake-up so far, also one that came after turn() had looked.
    if (woken_ || quit_)
      pa_mainloop_wakeup(loop_);
    if (pa_mainloop_poll(loop_) < 0 || pa_mainloop_dispatch(loop_) < 0)
      break;
  }
  disconnect();
}

int audio_source::worker::wait_us() const {
  auto until = [](clock::time_point at) {
    auto left = duration_cast<microseconds>(at - clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000'000));
  };
  switch (state) {
  case audio_state::connecting: return until(deadline_);
  case audio_state::retrying: return until(next_try_);
  default: return -1;
  }
}

void audio_source::worker::turn() {
  if (!failure_.empty())
    fail(std::exchange(failure_, {}));
  if (viewers == 0) {
    if (state != audio_state::idle) {
      disconnect();
      back_off_ = settings_.retry_first;
      enter(audio_state::idle, {});
    }
    return;
  }
  auto now = clock::now();
  if (state == audio_state::idle || (state == audio_state::retrying && now >= next_try_))
    connect();
  else if (state == audio_state::connecting && now >= deadline_)
    fail("PulseAudio does not answer");
}

void audio_source::worker::enter(audio_state next, const std::string& reason) {
  state = next;
  if (std::exchange(told_, next) != next && callbacks_.on_state && !quit_)
    callbacks_.on_state(next, reason);
}

void audio_source::worker::fail(const std::string& why) {
  disconnect();
  next_try_ = clock::now() + back_off_;
  back_off_ = std::min(back_off_ * 2, settings_.retry_max);
  enter(audio_state::retrying, why);
}

void audio_source::worker::connect() {
  // One reason is told once: trying again is no news.
  if (state == audio_state::retrying)
    state = audio_state::connecting;
  else
    enter(audio_state::connecting, {});
  deadline_ = clock::now() + connect_patience;
  context_ = pa_context_new(pa_mainloop_get_api(loop_), "holt-stream");
  if (context_ == nullptr)
    return fail("libpulse gave no context");
  pa_context_set_state_callback(
    context_,
    [](pa_context* c, void* self) {
      auto* w = static_cast<worker*>(self);
      auto now = pa_context_get_state(c);
      if (now == PA_CONTEXT_READY)
        w->record();
      else if (!PA_CONTEXT_IS_GOOD(now))
        w->failure_ = std::string{"PulseAudio: "} + pa_strerror(pa_context_errno(c));
    },
    this);
  const char* server = settings_.server.empty() ? nullptr : settings_.server.c_str();
  if (pa_context_connect(context_, server, PA_CONTEXT_NOAUTOSPAWN, nullptr) < 0)
    fail(std::string{"PulseAudio: "} + pa_strerror(pa_context_errno(context_)));
}

void audio_source::worker::record() {
  const pa_sample_spec format{PA_SAMPLE_S16LE, opus_rate, 2};
  stream_ = pa_stream_new(context_, "desktop sound", &format, nullptr);
  if (stream_ == nullptr) {
    failure_ = "PulseAudio gave no stream";
    return;
  }
  pa_stream_set_state_callback(
    stream_,
    [](pa_stream* s, void* self) {
      auto* w = static_cast<worker*>(self);
      auto now = pa_stream_get_state(s);
      if (now == PA_STREAM_READY) {
        w->back_off_ = w->settings_.retry_first;
        w->enter(audio_state::recording, {});
      } else if (now == PA_STREAM_FAILED || now == PA_STREAM_TERMINATED) {
        w->failure_
          = w->settings_.device + ": " + pa_strerror(pa_context_errno(pa_stream_get_context(s)));
      }
    },
    this);
  pa_stream_set_read_callback(
    stream_,
    [](pa_stream*, std::size_t, void* self) { static_cast<worker*>(self)->read_samples(); }, this);
  pa_buffer_attr buffer{};
  buffer.maxlength = static_cast<std::uint32_t>(-1);
  buffer.fragsize = packet_values * sizeof(std::int16_t);
  if (pa_stream_connect_record(
        stream_, settings_.device.c_str(), &buffer,
        static_cast<pa_stream_flags_t>(PA_STREAM_ADJUST_LATENCY | PA_STREAM_DONT_MOVE))
      < 0)
    failure_ = settings_.device + ": " + pa_strerror(pa_context_errno(context_));
}

void audio_source::worker::disconnect() {
  if (stream_ != nullptr) {
    pa_stream_set_state_callback(stream_, nullptr, nullptr);
    pa_stream_set_read_callback(stream_, nullptr, nullptr);
    pa_stream_disconnect(stream_);
    pa_stream_unref(stream_);
    stream_ = nullptr;
  }
  if (context_ != nullptr) {
    pa_context_set_state_callback(context_, nullptr, nullptr);
    pa_context_disconnect(context_);
    pa_context_unref(context_);
    context_ = nullptr;
  }
  encoder_.reset();
  samples_.clear();
  failure_.clear();
  silent_packets_ = 0;
}

void audio_source::worker::read_samples() {
  while (pa_stream_readable_size(stream_) > 0) {
    const void* data = nullptr;
    std::size_t bytes = 0;
    if (pa_stream_peek(stream_, &data, &bytes) < 0) {
      failure_ = std::string{"PulseAudio: "} + pa_strerror(pa_context_errno(context_));
      return;
    }
    if (bytes == 0)
      break;
    auto count = bytes / sizeof(std::int16_t);
    const auto* values = static_cast<const std::int16_t*>(data);
    if (values != nullptr)
      samples_.insert(samples_.end(), values, values + count);
    else // a hole in the recording
      samples_.insert(samples_.end(), std::min(count, max_backlog), std::int16_t{0});
    pa_stream_drop(stream_);
    if (samples_.size() > max_backlog)
      samples_.erase(samples_.begin(), samples_.end() - static_cast<std::ptrdiff_t>(packet_values));
  }
  std::size_t used = 0;
  while (samples_.size() - used >= packet_values) {
    encode({samples_.data() + used, packet_values});
    used += packet_values;
  }
  samples_.erase(samples_.begin(), samples_.begin() + static_cast<std::ptrdiff_t>(used));
}

void audio_source::worker::encode(std::span<const std::int16_t> pcm) {
  auto since = duration_cast<microseconds>(clock::now() - packet_time - began_).count();
  auto by_clock = static_cast<std::uint64_t>(std::max<std::int64_t>(since, 0)) * 48 / 1000;
  if (by_clock > next_sample_ + max_drift) // after a gap the timestamps follow the clock
    next_sample_ = by_clock;
  auto timestamp = next_sample_;
  next_sample_ += opus_frame_samples;

  bool silent = std::all_of(pcm.begin(), pcm.end(), [](std::int16_t v) { return v == 0; });
  silent_packets_ = silent ? silent_packets_ + 1 : 0;
  auto every
    = static_cast<unsigned>(std::max<std::int64_t>(settings_.silence_interval / packet_time, 1));
  if (silent_packets_ > silent_before_sparse && silent_packets_ % every != 0)
    return;
  if (encoder_ == nullptr) {
    auto made = opus_encoder::create();
    if (!made) {
      failure_ = made.error().detail;
      return;
    }
    encoder_ = std::move(*made);
  }
  auto packet = encoder_->encode(pcm);
  if (!packet) {
    failure_ = packet.error().detail;
    return;
  }
  auto frame = std::make_shared<encoded_frame>();
  frame->key = true;
  frame->rtp_timestamp = static_cast<std::uint32_t>(timestamp);
  frame->captured = system_clock::now() - packet_time;
  frame->data = std::move(*packet);
  if (callbacks_.on_frame && !quit_)
    callbacks_.on_frame(std::move(frame));
}

audio_source::audio_source(audio_settings settings, audio_callbacks callbacks)
  : worker_(std::make_unique<worker>(std::move(settings), std::move(callbacks))) {}

audio_source::~audio_source() = default;

result<void> audio_source::start() {
  return worker_->start();
}

void audio_source::stop() {
  worker_->stop();
}

void audio_source::set_viewers(unsigned count) {
  worker_->viewers = count;
  worker_->wake();
}

audio_state audio_source::state() const noexcept {
  return worker_->state;
}

} // namespace holt::stream

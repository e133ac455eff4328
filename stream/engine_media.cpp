// SPDX-License-Identifier: Apache-2.0
#include "stream/engine_media.hpp"

#include "transport/log.hpp"

#include <boost/asio/post.hpp>

namespace holt::stream {

namespace {

constexpr std::chrono::seconds stuck_after{3};

desktop::display_address display_of(const engine_options& options) {
  return {options.display, options.xauthority};
}

video_settings video_of(const engine_options& options) {
  video_settings out;
  out.display = display_of(options);
  out.fps = std::clamp(options.screen.rate, 1U, 60U);
  out.bitrate_bps = options.bitrate;
  out.initial = options.screen;
  return out;
}

const char* word(audio_state state) {
  switch (state) {
  case audio_state::idle: return "idle";
  case audio_state::connecting: return "connecting";
  case audio_state::recording: return "recording";
  case audio_state::retrying: return "retrying";
  }
  return "";
}

} // namespace

template <class F>
void engine_media::post(F act) {
  boost::asio::post(io_, std::move(act));
}

engine_media::engine_media(boost::asio::io_context& io, const engine_options& options,
                           engine_media_handlers on)
  : io_(io),
    on_(std::move(on)),
    worker_(display_of(options),
            [this](const error& why) { post([this, why] { on_.failed(why); }); }),
    input_(worker_),
    cursor_(worker_, {[this](std::shared_ptr<const desktop::cursor_image> image) {
                        post([this, image = std::move(image)] { on_.cursor(*image); });
                      },
                      [this](desktop::pointer_position) {
                        if (pointer_posted_.exchange(true))
                          return; // the one on its way reads the newest place
                        post([this] {
                          pointer_posted_ = false;
                          on_.pointer(cursor_.position());
                        });
                      }}),
    clipboard_(worker_,
               [this](const std::string& text) { post([this, text] { on_.clipboard(text); }); }),
    video_(video_of(options),
           {on_.frame, [this](screen_size size) { post([this, size] { on_.screen(size); }); },
            [this](const error& why) { post([this, why] { on_.failed(why); }); }}) {
  if (!options.audio)
    return;
  audio_settings sound;
  sound.server = options.pulse;
  sound.device = options.audio_device;
  audio_ = std::make_unique<audio_source>(
    sound,
    audio_callbacks{on_.frame, [](audio_state state, const std::string& reason) {
                      log::info("audio", "state", {{"state", word(state)}, {"reason", reason}});
                    }});
}

engine_media::~engine_media() {
  stop();
}

result<void> engine_media::start() {
  if (auto started = video_.start(); !started)
    return started;
  if (auto started = worker_.start(); !started)
    return started;
  if (audio_)
    if (auto started = audio_->start(); !started)
      log::warn("audio", "no_sound", {{"reason", started.error().detail}});
  return {};
}

void engine_media::stop() {
  video_.stop();
  if (audio_)
    audio_->stop();
  worker_.stop();
}

void engine_media::set_viewers(unsigned video, unsigned audio) {
  video_viewers_ = video;
  audio_viewers_ = audio;
  video_.set_viewers(video);
  cursor_.set_viewers(video);
  if (audio_)
    audio_->set_viewers(audio);
}

void engine_media::request_key() {
  video_.request_key();
}

source_numbers engine_media::numbers() const {
  auto video = video_.statistics();
  return {video.frames,    video.keys,     video.bytes,    video.capture_us,
          video.encode_us, video_viewers_, audio_viewers_, input_.dropped()};
}

result<void> engine_media::healthy() const {
  if (!video_.running())
    return error{errc::stream_pipeline, "the screen capture has ended"};
  if (video_.since_tick() > stuck_after || worker_.since_tick() > stuck_after)
    return error{errc::stream_pipeline, "the X server does not answer"};
  return {};
}

screen_size engine_media::size() const {
  return video_.size();
}

void engine_media::resize(screen_size wanted, resized done) {
  video_.resize(wanted, [this, done = std::move(done)](result<screen_size> now) {
    post([done, now = std::move(now)] { done(now); });
  });
}

void engine_media::shot(int quality, shot_taken done) {
  video_.shot(quality, [this, done = std::move(done)](result<std::vector<std::uint8_t>> jpeg) {
    post([done, jpeg = std::move(jpeg)]() mutable { done(std::move(jpeg)); });
  });
}

void engine_media::move(std::uint64_t viewer, int x, int y) {
  input_.move(viewer, x, y);
}

void engine_media::scroll(std::uint64_t viewer, int dx, int dy, bool control) {
  input_.scroll(viewer, dx, dy, control);
}

void engine_media::key(std::uint64_t viewer, std::uint32_t keysym, bool down) {
  input_.key(viewer, keysym, down);
}

void engine_media::button(std::uint64_t viewer, std::uint32_t number, bool down) {
  input_.button(viewer, number, down);
}

void engine_media::release(std::uint64_t viewer) {
  input_.release(viewer);
}

void engine_media::forget(std::uint64_t viewer) {
  input_.close(viewer);
}

void engine_media::set_dom_wheel(std::uint64_t viewer, bool on) {
  input_.set_dom_wheel(viewer, on);
}

std::shared_ptr<const desktop::cursor_image> engine_media::cursor() const {
  return cursor_.image();
}

desktop::pointer_position engine_media::pointer() const {
  return cursor_.position();
}

result<void> engine_media::set_clipboard(std::string text) {
  return clipboard_.set(std::move(text));
}

std::string engine_media::clipboard() const {
  return clipboard_.text();
}

} // namespace holt::stream

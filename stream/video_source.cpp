// SPDX-License-Identifier: Apache-2.0
#include "stream/video_worker.hpp"

namespace holt::stream {

video_source::video_source(video_settings settings, video_callbacks callbacks)
  : worker_(std::make_unique<worker>(std::move(settings), std::move(callbacks))) {}

video_source::~video_source() {
  stop();
}

result<void> video_source::start() {
  return worker_->start();
}

void video_source::stop() {
  worker_->stop();
}

void video_source::set_viewers(unsigned count) {
  if (count > 0 && worker_->viewers == 0)
    worker_->key_wanted = true; // also where the worker did not notice that nobody watched
  worker_->viewers = count;
  worker_->waker.wake();
}

void video_source::request_key() {
  worker_->key_wanted = true;
  worker_->waker.wake();
}

void video_source::set_bitrate(unsigned bps) {
  worker_->bitrate = bps;
  worker_->waker.wake();
}

void video_source::resize(screen_size wanted, resize_done done) {
  if (auto refused = worker_->queue(worker::job{wanted, std::move(done), 0, {}}))
    refused->resized(error{refused->why, "the screen cannot be resized now"});
}

void video_source::shot(int quality, shot_done done) {
  if (auto refused = worker_->queue(worker::job{{}, {}, quality, std::move(done)}))
    refused->shot(error{refused->why, "no picture to be had now"});
}

screen_size video_source::size() const {
  return worker_->size();
}

video_statistics video_source::statistics() const {
  return worker_->statistics();
}

std::chrono::milliseconds video_source::since_tick() const {
  using namespace std::chrono;
  steady_clock::time_point then{steady_clock::duration{worker_->tick.load()}};
  return duration_cast<milliseconds>(steady_clock::now() - then);
}

bool video_source::running() const noexcept {
  return worker_->running;
}

} // namespace holt::stream

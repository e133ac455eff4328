// SPDX-License-Identifier: Apache-2.0
#pragma once

// The real sources behind room_media: screen, sound, input, cursor and clipboard of one display.
// Owned by the engine server; called on the io thread. What the sources' own threads report is
// posted to the io thread; after stop() nothing more comes.

#include "stream/audio_source.hpp"
#include "stream/clipboard_bridge.hpp"
#include "stream/cursor_watch.hpp"
#include "stream/engine_api.hpp"
#include "stream/engine_options.hpp"
#include "stream/input_sink.hpp"
#include "stream/room_media.hpp"
#include "stream/video_source.hpp"

#include <boost/asio/io_context.hpp>

namespace holt::stream {

struct engine_media_handlers {
  frame_sink frame; ///< on a source's thread
  // the rest on the io thread
  std::function<void(const desktop::cursor_image&)> cursor;
  std::function<void(desktop::pointer_position)> pointer;
  std::function<void(const std::string&)> clipboard;
  std::function<void(screen_size)> screen;
  std::function<void(const error&)> failed; ///< the X server is gone; at most twice
};

class engine_media : public room_media {
public:
  engine_media(boost::asio::io_context& io, const engine_options& options,
               engine_media_handlers on);
  ~engine_media() override;

  result<void> start();
  void stop(); ///< idempotent

  void set_viewers(unsigned video, unsigned audio);
  void request_key();
  source_numbers numbers() const;

  // room_media
  result<void> healthy() const override;
  screen_size size() const override;
  void resize(screen_size wanted, resized done) override;
  void shot(int quality, shot_taken done) override;
  void move(std::uint64_t viewer, int x, int y) override;
  void scroll(std::uint64_t viewer, int dx, int dy, bool control) override;
  void key(std::uint64_t viewer, std::uint32_t keysym, bool down) override;
  void button(std::uint64_t viewer, std::uint32_t number, bool down) override;
  void release(std::uint64_t viewer) override;
  void forget(std::uint64_t viewer) override;
  void set_dom_wheel(std::uint64_t viewer, bool on) override;
  std::shared_ptr<const desktop::cursor_image> cursor() const override;
  desktop::pointer_position pointer() const override;
  result<void> set_clipboard(std::string text) override;
  std::string clipboard() const override;

private:
  /// Runs `act` on the io thread.
  template <class F>
  void post(F act);

  boost::asio::io_context& io_;
  engine_media_handlers on_;
  x_worker worker_;
  input_sink input_;
  cursor_watch cursor_;
  clipboard_bridge clipboard_;
  video_source video_;
  std::unique_ptr<audio_source> audio_; ///< null with --no-audio
  unsigned video_viewers_ = 0;
  unsigned audio_viewers_ = 0;
  std::atomic<bool> pointer_posted_{false}; ///< one position on its way at most
};

} // namespace holt::stream

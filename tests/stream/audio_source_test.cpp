// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE audio_source

#include "stream/audio_source.hpp"

#include "check.hpp"
#include "desktop/xvfb.hpp"

#include <caf/all.hpp>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <numbers>

#include <cmath>
#include <opus/opus.h>

using namespace holt;
using namespace holt::stream;
using namespace std::chrono;
using namespace std::chrono_literals;

namespace {

/// A PulseAudio of its own with the null sink, in a folder that goes with the object.
class pulse {
public:
  pulse() {
    char pattern[] = "/tmp/holt-pulse-XXXXXX";
    folder_ = ::mkdtemp(pattern);
    ::setenv("XDG_RUNTIME_DIR", folder_.c_str(), 1);
    ::setenv("PULSE_RUNTIME_PATH", folder_.c_str(), 1);
    ::setenv("HOME", folder_.c_str(), 1);
    start();
  }
  ~pulse() {
    server_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  void start() {
    std::filesystem::remove(socket());
    std::filesystem::remove(folder_ + "/pid");
    server_ = std::make_unique<test::child>(
      std::vector<std::string>{
        "pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "-L",
        "module-native-protocol-unix socket=" + socket() + " auth-anonymous=1", "-L",
        "module-null-sink sink_name=audio_output"},
      std::string{});
    CAF_REQUIRE(test::eventually([&] { return std::filesystem::exists(socket()); }));
  }
  void kill() { server_.reset(); }
  std::string socket() const { return folder_ + "/native"; }
  std::string address() const { return "unix:" + socket(); }

  /// Plays a tone of 440 Hz into the sink for ten seconds.
  std::unique_ptr<test::child> play() const {
    auto file = folder_ + "/tone.raw";
    std::string tone;
    for (int i = 0; i < 480'000; ++i) {
      auto v = static_cast<std::int16_t>(8000 * std::sin(2 * std::numbers::pi * 440 * i / 48'000));
      for (int channel = 0; channel < 2; ++channel)
        tone.append(reinterpret_cast<const char*>(&v), sizeof v);
    }
    std::ofstream{file, std::ios::binary} << tone;
    return std::make_unique<test::child>(
      std::vector<std::string>{"pacat", "-s", address(), "-d", "audio_output", "--rate=48000",
                               "--channels=2", "--format=s16le", "--raw", "--latency-msec=50",
                               file},
      std::string{});
  }

private:
  std::string folder_;
  std::unique_ptr<test::child> server_;
};

struct listener {
  explicit listener(audio_settings settings)
    : source(std::move(settings), {[this](frame_ptr f) { take(std::move(f)); },
                                   [this](audio_state s, const std::string& why) {
                                     std::lock_guard lock{mutex};
                                     states.push_back(s);
                                     reason = why;
                                     changed.notify_all();
                                   }}) {
    int code = 0;
    decoder = opus_decoder_create(48'000, 2, &code);
  }
  ~listener() {
    source.stop();
    opus_decoder_destroy(decoder);
  }
  void take(frame_ptr f) {
    std::lock_guard lock{mutex};
    std::int16_t pcm[960 * 2];
    auto n = opus_decode(decoder, f->data.data(), static_cast<int>(f->data.size()), pcm, 960, 0);
    CAF_CHECK_EQUAL(n, 960);
    double sum = 0;
    for (auto v : pcm)
      sum += double(v) * v;
    energy.push_back(std::sqrt(sum / 1920));
    frames.push_back(std::move(f));
    changed.notify_all();
  }
  template <class Condition>
  bool until(Condition so) {
    std::unique_lock lock{mutex};
    return changed.wait_for(lock, 20s, so);
  }
  std::size_t loud() const {
    return static_cast<std::size_t>(
      std::count_if(energy.begin(), energy.end(), [](double e) { return e > 2000; }));
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::vector<frame_ptr> frames;
  std::vector<double> energy;
  std::vector<audio_state> states;
  std::string reason;
  OpusDecoder* decoder = nullptr;
  audio_source source;
};

#define NEEDS_PULSE                                                                                \
  if (test::skipped(__func__, {"pulseaudio", "pacat"}))                                            \
  return

} // namespace

CAF_TEST(a tone on the desktop is heard as Opus) {
  NEEDS_PULSE;
  pulse server;
  listener l{{.server = server.address()}};
  CAF_REQUIRE(l.source.start());
  CAF_CHECK(l.source.state() == audio_state::idle);
  l.source.set_viewers(1);
  CAF_REQUIRE(l.until([&] { return !l.frames.empty(); })); // the tone does not last for ever
  auto player = server.play();
  CAF_REQUIRE(l.until([&] { return l.loud() >= 40; }));
  std::lock_guard lock{l.mutex};
  for (std::size_t i = 1; i < l.frames.size(); ++i) {
    auto step = l.frames[i]->rtp_timestamp - l.frames[i - 1]->rtp_timestamp;
    CAF_CHECK(step >= 960);
    if (l.energy[i] > 2000 && l.energy[i - 1] > 2000)
      CAF_CHECK(step < 48'000);
    CAF_CHECK(l.frames[i]->key && !l.frames[i]->video);
  }
}

CAF_TEST(silence is sent sparsely and its clock goes on) {
  NEEDS_PULSE;
  pulse server;
  listener l{{.server = server.address()}};
  CAF_REQUIRE(l.source.start());
  l.source.set_viewers(1);
  auto sparse = [&] {
    auto n = l.frames.size();
    return n >= 3 && l.frames[n - 1]->rtp_timestamp - l.frames[n - 2]->rtp_timestamp >= 9600;
  };
  // Two seconds and more are as long by both clocks. One end of them may have been held up: then
  // others are not.
  auto in_step = [&] {
    const auto& last = *l.frames.back();
    return std::any_of(l.frames.begin(), l.frames.end(), [&](const auto& one) {
      auto ticks = last.rtp_timestamp - one->rtp_timestamp;
      auto us = duration_cast<microseconds>(last.captured - one->captured);
      return ticks >= 2 * 48'000 && std::abs(double(ticks) / 0.048 - double(us.count())) < 500'000;
    });
  };
  CAF_CHECK(l.until([&] { return sparse() && in_step(); }));
}

CAF_TEST(nothing is recorded without viewers) {
  NEEDS_PULSE;
  pulse server;
  listener l{{.server = server.address()}};
  CAF_REQUIRE(l.source.start());
  l.source.set_viewers(1);
  CAF_REQUIRE(l.until([&] { return !l.frames.empty(); }));
  l.source.set_viewers(0);
  CAF_REQUIRE(l.until([&] { return l.states.back() == audio_state::idle; }));
  std::unique_lock lock{l.mutex};
  auto before = l.frames.size();
  CAF_CHECK(!l.changed.wait_for(lock, 300ms, [&] { return l.frames.size() != before; }));
}

CAF_TEST(a PulseAudio that dies is found again) {
  NEEDS_PULSE;
  pulse server;
  listener l{{.server = server.address(), .retry_first = 50ms, .retry_max = 200ms}};
  CAF_REQUIRE(l.source.start());
  l.source.set_viewers(1);
  CAF_REQUIRE(l.until([&] { return !l.frames.empty(); }));
  server.kill();
  CAF_REQUIRE(l.until([&] { return l.states.back() == audio_state::retrying; }));
  CAF_CHECK(!l.reason.empty());
  std::size_t before = 0;
  {
    std::lock_guard lock{l.mutex};
    before = l.frames.size();
  }
  server.start();
  CAF_REQUIRE(l.until([&] { return l.frames.size() > before; }));
  // Told once each, however often it tried.
  CAF_CHECK(l.states.size() <= 5);
}

CAF_TEST(a missing server or device is told with a reason) {
  NEEDS_PULSE;
  pulse server;
  listener no_server{{.server = "unix:/nowhere/at/all"}};
  CAF_REQUIRE(no_server.source.start());
  no_server.source.set_viewers(1);
  CAF_CHECK(no_server.until(
    [&] { return !no_server.states.empty() && no_server.states.back() == audio_state::retrying; }));
  CAF_MESSAGE(no_server.reason);
  listener no_device{{.server = server.address(), .device = "no_such_thing"}};
  CAF_REQUIRE(no_device.source.start());
  no_device.source.set_viewers(1);
  CAF_CHECK(no_device.until(
    [&] { return !no_device.states.empty() && no_device.states.back() == audio_state::retrying; }));
  CAF_MESSAGE(no_device.reason);
}

CAF_TEST(a retry does not hold up the stop) {
  NEEDS_PULSE;
  listener l{{.server = "unix:/nowhere", .retry_first = 20s, .retry_max = 20s}};
  CAF_REQUIRE(l.source.start());
  l.source.set_viewers(1);
  CAF_CHECK(l.until([&] { return !l.states.empty(); }));
  auto before = steady_clock::now();
  l.source.stop();
  CAF_CHECK(steady_clock::now() - before < 15s); // the next try is 20 s away
}

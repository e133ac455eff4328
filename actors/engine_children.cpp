// SPDX-License-Identifier: Apache-2.0
#include "actors/engine_children.hpp"

#include "transport/http_client.hpp"
#include "transport/log.hpp"
#include "transport/secret.hpp"

#include <nlohmann/json.hpp>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>

namespace holt {

namespace {

using namespace std::chrono_literals;
using supervision::child_spec;

constexpr auto probe_limit = 1'000ms;
/// Probes in a row with listeners but no new picture bytes before the pipeline counts as frozen.
constexpr int frozen_after = 10;
/// So many probes from one screen shot to the next; each takes some 30 ms of the engine's time.
constexpr int shot_every = 10;
constexpr auto shot_limit = 5s;
constexpr int blind_after = 2;

/// What the live probe remembers between two tries, about one start of the engine.
struct pipeline_watch {
  std::mutex mutex;
  engine_client_ptr of;
  double bytes = -1;
  int still = 0;
  int until_shot = shot_every; ///< below zero: one is under way
  int blind = 0;               ///< shots in a row that failed
};

result<process_spec> engine_spec(const engine_options& how, const running_engine_ptr& running) {
  process_spec spec;
  spec.env = how.context->environment();
  auto port = free_port(SOCK_STREAM);
  if (port == 0)
    return error{errc::port_unavailable, "no free port on 127.0.0.1 for the stream engine"};
  auto key = random_secret();
  if (how.choice.name == "neko") {
    auto media = how.media_port != 0 ? how.media_port : free_port(SOCK_DGRAM);
    spec.argv = neko_arguments(how, how.context->display(), port, media);
    spec.env["NEKO_LEGACY"] = "false";
    spec.env["NEKO_SESSION_API_TOKEN"] = key;
  } else {
    spec.argv = builtin_arguments(how, how.context->display(), port);
    spec.env["HOLT_STREAM_API_TOKEN"] = key;
  }
  spec.cwd = how.context->file("engine"); // empty: neko reads neko.* of its current folder
  spec.log_file = how.log_dir + "/engine.log";
  running->set(std::make_shared<const engine_client>(how.tools.io.get_executor(),
                                                     engine_address{port, log::secret{key}}));
  return spec;
}

/// The second rung, beside the probes since it takes longer on a large screen: the engine's X
/// connection gives a picture.
void look_at_screen(const engine_client_ptr& client, boost::asio::io_context& io,
                    const std::shared_ptr<pipeline_watch>& watch) {
  http::client_request request;
  request.port = client->address().port;
  request.target = "/api/room/screen/shot.jpg?quality=10";
  request.timeout = shot_limit;
  request.max_body = 16 * 1024 * 1024;
  request.headers.push_back({"Authorization", "Bearer " + client->address().api_token.reveal()});
  http::http_call(io.get_executor(), std::move(request),
                  [watch, client](const result<http::response>& got) {
                    std::lock_guard guard{watch->mutex};
                    if (watch->of != client)
                      return;
                    bool seen = got && got->status == 200;
                    watch->blind = seen ? 0 : watch->blind + 1;
                    watch->until_shot = seen ? shot_every : 0;
                  });
}

/// The third rung: whoever listens gets bytes. A still screen sends none on the builtin engine,
/// whose /health already looks at its threads.
void check_pipeline(const engine_client_ptr& client, const std::shared_ptr<pipeline_watch>& watch,
                    probe_done done) {
  client->metrics([watch, done = std::move(done)](const result<std::string>& text) {
    if (!text)
      return done(text.error());
    auto listeners = metric_sum(*text, "neko_capture_streamsink_listeners").value_or(0);
    auto bytes = metric_sum(*text, "neko_capture_streamsink_bytes").value_or(0);
    std::lock_guard guard{watch->mutex};
    bool frozen = listeners > 0 && bytes == watch->bytes;
    watch->still = frozen ? watch->still + 1 : 0;
    watch->bytes = bytes;
    if (watch->blind >= blind_after)
      done(error{errc::stream_pipeline, "the stream engine has no picture of the screen"});
    else if (watch->still >= frozen_after)
      done(error{errc::stream_pipeline, "somebody watches but no picture has come for "
                                          + std::to_string(watch->still) + " probes"});
    else
      done({});
  });
}

bool shot_is_due(pipeline_watch& watch, const engine_client_ptr& client) {
  std::lock_guard guard{watch.mutex};
  if (watch.of != client) {
    watch.of = client;
    watch.bytes = -1;
    watch.still = watch.blind = 0;
    watch.until_shot = shot_every;
  }
  return watch.until_shot >= 0 && --watch.until_shot < 0;
}

probe_function live_probe(const engine_options& how, const running_engine_ptr& running) {
  auto watch = std::make_shared<pipeline_watch>();
  bool ladder = how.choice.name == "neko";
  return [running, watch, ladder, &io = how.tools.io](probe_done done) {
    auto client = running->get();
    if (!client)
      return done(error{errc::engine_unavailable, "no engine"});
    client->health(probe_limit, [=, &io, done = std::move(done)](const result<void>& got) {
      if (!got || !ladder)
        return done(got);
      if (shot_is_due(*watch, client))
        look_at_screen(client, io, watch);
      check_pipeline(client, watch, done);
    });
  };
}

} // namespace

void running_engine::set(engine_client_ptr client) {
  std::lock_guard guard{mutex_};
  client_ = std::move(client);
}

engine_client_ptr running_engine::get() const {
  std::lock_guard guard{mutex_};
  return client_;
}

std::vector<std::string> neko_arguments(const engine_options& how, const std::string& display,
                                        std::uint16_t port, std::uint16_t media_port) {
  auto size = how.context->size();
  auto screen = std::to_string(size.width) + "x" + std::to_string(size.height) + "@"
                + std::to_string(how.fps);
  // Numbers from a million on would be written as 2.5e+06, which GStreamer refuses: round() them.
  nlohmann::json pipeline{{"main",
                           {{"fps", std::to_string(how.fps)},
                            {"gst_encoder", "vp8enc"},
                            {"gst_params",
                             {{"target-bitrate", "round(" + std::to_string(how.bitrate) + ")"},
                              {"cpu-used", "8"},
                              {"end-usage", "cbr"},
                              {"threads", "2"},
                              {"deadline", "1"},
                              {"keyframe-max-dist", "25"}}}}}};
  std::vector<std::string> out{
    how.choice.program,
    "serve",
    "--server.bind",
    "127.0.0.1:" + std::to_string(port),
    "--desktop.display",
    display,
    "--capture.video.display",
    display,
    "--desktop.screen",
    screen,
    "--desktop.input.enabled=false",
    "--desktop.unminimize=false", // whoever minimises a window means it
    "--session.cookie.enabled=false",
    "--member.provider",
    "object",
    "--member.object.users",
    "[]",
    "--session.locked_controls",
    "--session.implicit_hosting=false",
    "--webrtc.icelite",
    "--webrtc.ip_retrieval_url=",
    "--webrtc.udpmux",
    std::to_string(media_port),
    "--webrtc.iceservers.backend",
    R"([{"urls":[]}])",
    "--capture.video.ids", // without it neko knows no stream and panics at the first request
    "main",
    "--capture.video.pipelines",
    pipeline.dump(),
    "--log.json",
    "--log.nocolor",
  };
  if (!how.advertise.empty()) // also for browsers that UDP does not reach; equal ports
    out.insert(out.end(), {"--webrtc.tcpmux", std::to_string(media_port)});
  if (!how.advertise.empty() && how.address_chosen) // else neko finds its interfaces itself
    out.insert(out.end(), {"--webrtc.nat1to1", how.advertise.front()});
  if (!how.sound)
    out.insert(out.end(), {"--capture.audio.pipeline",
                           "audiotestsrc is-live=true wave=silence ! opusenc ! appsink "
                           "name=appsink"});
  return out;
}

std::vector<std::string> builtin_arguments(const engine_options& how, const std::string& display,
                                           std::uint16_t port) {
  auto size = how.context->size();
  std::vector<std::string> out{
    how.choice.program,
    "--bind",
    "127.0.0.1:" + std::to_string(port),
    "--display",
    display,
    "--xauthority",
    how.context->xauthority(),
    "--screen",
    std::to_string(size.width) + "x" + std::to_string(size.height) + "@" + std::to_string(how.fps),
    "--media-address",
    how.media_address,
    "--media-port",
    std::to_string(how.media_port),
    "--bitrate",
    std::to_string(how.bitrate),
  };
  for (const auto& address : how.advertise)
    out.insert(out.end(), {"--advertise", address});
  if (how.sound)
    out.insert(out.end(),
               {"--pulse", how.context->pulse_socket(), "--audio-device", "audio_output.monitor"});
  else
    out.push_back("--no-audio");
  return out;
}

std::uint16_t free_port(int socket_type) {
  auto fd = socket(AF_INET, socket_type | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return 0;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* any = reinterpret_cast<sockaddr*>(&address);
  bool ok = bind(fd, any, size) == 0 && getsockname(fd, any, &size) == 0;
  close(fd);
  return ok ? ntohs(address.sin_port) : std::uint16_t{0};
}

std::optional<double> metric_sum(std::string_view text, std::string_view name) {
  std::optional<double> sum;
  while (!text.empty()) {
    auto end = text.find('\n');
    auto line = text.substr(0, end);
    text = end == text.npos ? std::string_view{} : text.substr(end + 1);
    if (line.substr(0, name.size()) != name || line.size() == name.size()
        || (line[name.size()] != ' ' && line[name.size()] != '{'))
      continue;
    auto space = line.rfind(' ');
    double value = 0;
    auto [at, ec] = std::from_chars(line.data() + space + 1, line.data() + line.size(), value);
    if (ec == std::errc{})
      sum = sum.value_or(0) + value;
  }
  return sum;
}

std::vector<child_spec> engine_children(const engine_options& how,
                                        const running_engine_ptr& running) {
  child_spec stream;
  stream.id = "stream";
  stream.kind = child_kind::group;
  child_spec viewers;
  viewers.id = "viewers";
  viewers.parent = "stream";
  viewers.kind = child_kind::group;

  process_child_options child;
  child.id = "engine";
  child.spec = [how, running] { return engine_spec(how, running); };
  child.ready = [running](probe_done done) {
    if (auto client = running->get())
      client->health(probe_limit, std::move(done));
    else
      done(error{errc::engine_unavailable, "no engine"});
  };
  child.live = live_probe(how, running);
  // neko never ends while a viewer's socket is open: they are sent away first.
  child.before_stop = [viewers = how.viewers](std::function<void()> done) {
    // Whoever drops this message answers it: at the daemon's end the lobby may be gone first.
    auto last = std::shared_ptr<void>{nullptr, [done = std::move(done)](void*) { done(); }};
    viewers.send(
      viewers_goodbye{1012, "the stream engine restarts", 1s, [last]() mutable { last.reset(); }});
  };
  child.on_up = [running](bool up) {
    if (!up)
      running->set(nullptr);
  };

  child_spec engine;
  engine.id = "engine";
  engine.parent = "stream";
  engine.depends_on = {"x_server"};
  engine.autostart = how.autostart;
  engine.on_exhausted = supervision::exhausted_policy::cooldown;
  engine.backoff = how.defaults.backoff;
  engine.budget = how.defaults.budget;
  engine.live = how.defaults.live;
  engine.live.enabled = true;
  engine.stop.grace = 3s;
  engine.port = make_process_child(how.tools, std::move(child));
  return {stream, engine, viewers};
}

} // namespace holt

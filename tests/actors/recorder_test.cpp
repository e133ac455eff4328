// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE recorder

// The recorder with a real tree, X server and ffmpeg, without a gateway.

#include "actors/recorder.hpp"
#include "actors/runtime.hpp"
#include "actors/x_client.hpp"
#include "desktop/modes.hpp"
#include "desktop/workbench.hpp"
#include "files/mp4_fragments.hpp"
#include "tests/desktop/xvfb.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <future>

using namespace holt;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

namespace fs = std::filesystem;

constexpr auto patience = 25s; ///< of every wait; the machine may be busy

/// A made folder that goes with the test.
struct own_folder {
  std::string path;
  own_folder() {
    char name[] = "/tmp/holt-recorder-XXXXXX";
    path = mkdtemp(name);
    fs::create_directory(path + "/log");
  }
};

/// The answer of an asynchronous call, or an error of time.
template <class T, class Call>
result<T> answer_of(Call call) {
  auto got = std::make_shared<std::promise<result<T>>>();
  auto future = got->get_future();
  call([got](const result<T>& one) { got->set_value(one); });
  if (future.wait_for(patience) != std::future_status::ready)
    return error{errc::timeout, "no answer"};
  return future.get();
}

bool eventually(const std::function<bool()>& check) {
  for (auto until = std::chrono::steady_clock::now() + patience;
       std::chrono::steady_clock::now() < until;) {
    if (check())
      return true;
    std::promise<void> never;
    (void)never.get_future().wait_for(20ms);
  }
  return check();
}

/// X server, our connection to it, and the recorder.
struct house {
  own_folder folder;
  spawner starter;
  process_killer killer;
  runtime rt{2};
  desktop_context_ptr context;
  x_door_ptr door = std::make_shared<x_door>();
  std::shared_ptr<tree_client> tree = std::make_shared<tree_client>();
  supervision::supervisor_actor supervisor;
  recorder_ptr recordings;

  bool start(const recording_limits& limits = {}) {
    auto made = desktop_context::make(folder.path, folder.path);
    if (!made)
      return false;
    context = *made;
    context->set_size({640, 480, 0}, 96);
    desktop_options how{tools(), context, folder.path + "/log", {}, 1920, 1200,
                        false,   true,    &rt.system(),         {}, door, {}};
    std::vector<supervision::child_spec> specs;
    for (auto& one : desktop_children(how))
      if (one.id == "desktop" || one.id == "x_server" || one.id == "x_client")
        specs.push_back(std::move(one));
    auto spawned = supervision::spawn_supervisor(rt.system(), std::move(specs));
    if (!spawned)
      return false;
    supervisor = *spawned;
    *tree = tree_client{rt.system(), rt.io().get_executor(), supervisor};
    caf::anon_send(supervisor, supervision::boot{});
    recorder_deps deps{tools(),
                       context,
                       door,
                       tree,
                       {},
                       rt.blocking().get_executor(),
                       folder.path + "/recordings",
                       folder.path + "/log",
                       limits};
    recordings = std::make_shared<recorder>(std::move(deps));
    recordings->open();
    auto up = answer_of<supervision::tree_report>([this](auto done) {
      tree->wait(
        [](const supervision::tree_report& now) {
          const auto* node = find_node(now, "x_client");
          return node != nullptr && node->state == child_state::ready;
        },
        std::chrono::duration_cast<std::chrono::milliseconds>(patience), done);
    });
    return up.has_value();
  }

  process_tools tools() { return {rt.io(), starter, killer}; }

  /// Nothing of it runs any more. Its actor system stays: it is not made to be taken apart.
  void close() {
    if (recordings)
      (void)answer_of<int>([this](auto done) { recordings->goodbye([done] { done(0); }); });
    (void)answer_of<int>(
      [this](auto done) { tree->stop_all(20s, [done](const result<void>&) { done(0); }); });
    std::error_code ec;
    fs::remove_all(folder.path, ec);
  }

  result<json> begin(std::optional<unsigned> fps = 10) {
    return answer_of<json>([&](auto done) {
      recordings->start({fps, std::nullopt, "test"}, done);
    });
  }
  result<json> end() {
    return answer_of<json>([this](auto done) { recordings->stop(done); });
  }
  json look(const std::string& id) {
    auto got = answer_of<json>([&](auto done) { recordings->find(id, done); });
    return got ? *got : json{{"status", got.error().detail}, {"durationMs", 0}};
  }
  bool lasts(const std::string& id, int ms) {
    return eventually([&] { return look(id)["durationMs"].get<int>() > ms; });
  }
  std::string path(const std::string& id) const {
    return folder.path + "/recordings/" + id + ".mp4";
  }
  bool has_fragments(const std::string& id, std::uint64_t n) {
    return eventually([&] {
      auto map = files::map_fragments(path(id));
      return map && map->fragments >= n;
    });
  }
  std::optional<child_snapshot> child() {
    auto got = answer_of<supervision::tree_report>([this](auto done) { tree->snapshot(done); });
    if (got)
      for (const auto& one : got->nodes)
        if (one.id.starts_with("recorder/") && one.state == child_state::ready)
          return one;
    return std::nullopt;
  }
  bool resize(unsigned width, unsigned height) {
    auto got = answer_of<desktop::screen_size>([&](auto done) {
      door->post([=](const result<desktop::workbench*>& bench) {
        done(bench ? desktop::set_mode((*bench)->x(), {width, height, 0})
                   : result<desktop::screen_size>{bench.error()});
      });
    });
    return got.has_value();
  }
};

/// One for a test, closed with it.
class visit {
public:
  visit() { all().push_back(std::make_unique<house>()); }
  ~visit() { here().close(); }
  visit(const visit&) = delete;
  visit& operator=(const visit&) = delete;
  house& here() const { return *all().back(); }

private:
  static std::vector<std::unique_ptr<house>>& all() {
    static auto* const houses = new std::vector<std::unique_ptr<house>>;
    return *houses;
  }
};

bool cannot_run(const char* test) {
  return test::skipped(test, {"Xvfb", "ffmpeg"});
}

} // namespace

CAF_TEST(a recording is whole when its stop is answered) {
  if (cannot_run("recorder"))
    return;
  visit now;
  auto& h = now.here();
  CAF_REQUIRE(h.start());
  auto begun = h.begin();
  CAF_REQUIRE(begun.has_value());
  CAF_CHECK_EQUAL((*begun)["status"].get<std::string>(), "recording");
  const auto id = (*begun)["id"].get<std::string>();
  auto second = h.begin();
  CAF_REQUIRE(!second.has_value());
  CAF_CHECK(second.error().code == errc::conflict);
  auto refused = answer_of<bool>([&](auto done) {
    h.recordings->remove(id, "test", [done](const result<void>& got) { done(got.has_value()); });
  });
  CAF_CHECK(refused && !*refused);
  CAF_CHECK(h.lasts(id, 300));
  auto ended = h.end();
  CAF_REQUIRE(ended.has_value());
  CAF_CHECK_EQUAL((*ended)["status"].get<std::string>(), "completed");
  const auto map = files::map_fragments(h.path(id));
  CAF_REQUIRE(map.has_value());
  CAF_CHECK(map->fragments >= 1u);
  CAF_CHECK_EQUAL(map->whole_end, (*ended)["bytes"].get<std::uint64_t>());
  auto again = h.end();
  CAF_REQUIRE(!again.has_value());
  CAF_CHECK(again.error().code == errc::conflict);
}

CAF_TEST(an ffmpeg that is killed makes a failed recording that can be played) {
  if (cannot_run("recorder"))
    return;
  visit now;
  auto& h = now.here();
  CAF_REQUIRE(h.start());
  auto begun = h.begin();
  CAF_REQUIRE(begun.has_value());
  const auto id = (*begun)["id"].get<std::string>();
  CAF_CHECK(h.has_fragments(id, 1));
  std::optional<child_snapshot> child; // its first fragment is there before it is known to be ready
  CAF_REQUIRE(eventually([&] {
    child = h.child();
    return child.has_value();
  }));
  CAF_REQUIRE(kill(static_cast<pid_t>(child->pid), SIGKILL) == 0);
  CAF_CHECK(eventually([&] { return h.look(id)["status"] == "failed"; }));
  const auto told = h.look(id);
  CAF_CHECK(told["reason"].get<std::string>().find("signal 9") != std::string::npos);
  const auto map = files::map_fragments(h.path(id));
  CAF_REQUIRE(map.has_value());
  CAF_CHECK_EQUAL(map->whole_end, told["bytes"].get<std::uint64_t>());
}

CAF_TEST(it goes on in the same file when the screen changes its size) {
  if (cannot_run("recorder"))
    return;
  visit now;
  auto& h = now.here();
  CAF_REQUIRE(h.start());
  auto begun = h.begin();
  CAF_REQUIRE(begun.has_value());
  const auto id = (*begun)["id"].get<std::string>();
  CAF_CHECK(h.has_fragments(id, 1));
  CAF_REQUIRE(h.resize(320, 240));
  CAF_CHECK(eventually([&] {
    auto child = h.child();
    return child && child->id == "recorder/" + id + ".2";
  }));
  CAF_REQUIRE(h.resize(1024, 768));
  CAF_CHECK(eventually([&] {
    auto child = h.child();
    return child && child->id == "recorder/" + id + ".3";
  }));
  auto ended = h.end();
  CAF_REQUIRE(ended.has_value());
  CAF_CHECK_EQUAL((*ended)["status"].get<std::string>(), "completed");
  const auto map = files::map_fragments(h.path(id));
  CAF_REQUIRE(map.has_value());
  CAF_CHECK(map->fragments >= 3u);
  CAF_CHECK_EQUAL(map->whole_end, (*ended)["bytes"].get<std::uint64_t>());
  if (auto keep = std::getenv("HOLT_KEEP"))
    fs::copy_file(h.path(id), keep, fs::copy_options::overwrite_existing);
}

CAF_TEST(a stopped desktop ends it) {
  if (cannot_run("recorder"))
    return;
  visit now;
  auto& h = now.here();
  CAF_REQUIRE(h.start());
  auto begun = h.begin();
  CAF_REQUIRE(begun.has_value());
  const auto id = (*begun)["id"].get<std::string>();
  h.tree->stop("desktop", [](const result<void>&) {});
  CAF_CHECK(eventually([&] { return h.look(id)["status"] != "recording"; }));
  const auto told = h.look(id);
  CAF_CHECK_EQUAL(told["status"].get<std::string>(), "completed");
  auto refused = h.begin();
  CAF_REQUIRE(!refused.has_value());
  CAF_CHECK(refused.error().code == errc::conflict);
}

CAF_TEST(limits are kept) {
  if (cannot_run("recorder"))
    return;
  recording_limits limits;
  limits.max_seconds = 1;
  limits.max_files = 1;
  visit now;
  auto& h = now.here();
  CAF_REQUIRE(h.start(limits));
  auto begun = h.begin();
  CAF_REQUIRE(begun.has_value());
  const auto id = (*begun)["id"].get<std::string>();
  CAF_CHECK(eventually([&] { return h.look(id)["status"] != "recording"; }));
  const auto told = h.look(id);
  CAF_CHECK_EQUAL(told["status"].get<std::string>(), "completed");
  CAF_CHECK(told["reason"].get<std::string>().find("max_seconds") != std::string::npos);
  auto refused = h.begin();
  CAF_REQUIRE(!refused.has_value());
  CAF_CHECK(refused.error().detail.find("max_files") != std::string::npos);
}

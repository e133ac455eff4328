// SPDX-License-Identifier: Apache-2.0
#include "app/daemon.hpp"

#include "actors/gateway.hpp"
#include "app/children.hpp"
#include "app/daemon_client.hpp"
#include "app/gateway_child.hpp"
#include "app/link_children.hpp"
#include "app/preflight.hpp"
#include "app/ready.hpp"
#include "transport/keeper_link.hpp"
#include "transport/log.hpp"
#include "transport/process_sweep.hpp"
#include "transport/reaper.hpp"
#include "transport/sd_notify.hpp"
#include "transport/state_dir.hpp"

#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <malloc.h>

#include <condition_variable>
#include <csignal>
#include <iostream>

namespace holt {

namespace {

using namespace std::chrono_literals;

constexpr auto viewers_limit = 1'000ms;
constexpr auto commands_limit = 2'000ms;  ///< until every command has its answer
constexpr auto recording_limit = 2'000ms; ///< until its file is final
constexpr int most_told_viewers = 50;
constexpr auto stop_limit = 9'000ms; ///< for everything, of the 10 s that are promised
constexpr auto hurry_limit = 500ms;

/// Everything that runs between boot and the end.
class daemon {
public:
  daemon(const daemon_options& how, state_dir& state, engine_choice choice,
         desktop_context_ptr context)
    : how_{how},
      state_{state},
      link_{rt_.io().get_executor(), [this] { keeper_gone(); }},
      reaper_{rt_.io().get_executor(), starter_.children()},
      signals_{rt_.io(), SIGTERM, SIGINT, SIGHUP},
      force_{rt_.io()},
      parts_{rt_, starter_, killer_, {}, {}, {}, {}, {}, std::move(context)} {
    parts_.choice = std::move(choice);
    parts_.log_dir = state.log_dir();
    parts_.hands = std::make_shared<hand_log>(false);
  }

  int run() {
    wait_for_signal();
    if (auto made = make(); !made) {
      shut_down();
      return complain(made.error());
    }
    caf::anon_send(supervisor_, supervision::boot{});
    auto [code, reason] = wait_until_asked();
    log::info("daemon", "stopping", {{"reason", reason}});
    (void)sd_notify("STOPPING=1");
    stop_in_order();
    shut_down();
    return code;
  }

private:
  // -- start

  result<void> make() {
    auto link = make_link_parts({rt_, how_.config.values, state_, how_.workspace, parts_.context});
    if (!link)
      return link.error();
    parts_.link = std::move(*link);
    parts_.recordings = make_recorder(parts_, how_.config.values, state_.path());
    auto specs = make_children(parts_, how_.config);
    for (auto& spec : link_children(parts_, how_.config, how_.state_dir))
      specs.push_back(std::move(spec));
    gateway_ = make_gateway(parts_, how_.config.values, state_, reaper_);
    if (auto listening = gateway_->listen(); !listening)
      return listening.error();
    specs.push_back(gateway_spec(gateway_, how_.config.values));
    supervision::supervisor_observers observers;
    observers.on_event = [this](const supervision_event& ev) { on_event(ev); };
    observers.on_all_ready = [this] { on_all_ready(); };
    observers.on_escalated
      = [this](const std::string& why) { ask_stop("gave up: " + why, info(errc::escalated).exit); };
    auto spawned
      = supervision::spawn_supervisor(rt_.system(), std::move(specs), std::move(observers));
    if (!spawned)
      return spawned.error();
    supervisor_ = *spawned;
    *parts_.tree = tree_client{rt_.system(), rt_.io().get_executor(), supervisor_};
    if (auto url = gateway_->url(); !url.empty())
      return state_.write_daemon_info({url, getpid()});
    return {};
  }

  void on_event(const supervision_event& ev) {
    nlohmann::json data = ev;
    bool viewer = ev.id.rfind("signaling/", 0) == 0;
    if (viewer && ev.to == child_state::ready)
      ++viewers_;
    if (viewer && ev.from == child_state::ready && --viewers_ == 0)
      malloc_trim(0); // a thousand of them leave holes that the allocator would keep
    // Every page follows the feed: many viewers must not tell each other of each other.
    if (!viewer || viewers_ <= most_told_viewers)
      parts_.activity.send(activity_append{"supervision", std::move(data)});
    bool clean = ev.death && ev.death->code == 0
                 && (ev.death->cause == death_cause::exit || ev.death->cause == death_cause::actor);
    bool bad = ev.to == child_state::failed || ev.to == child_state::unhealthy
               || ev.to == child_state::cooldown || (ev.death && !ev.death->expected && !clean);
    log::write(bad      ? log::level::warn
               : viewer ? log::level::debug
                        : log::level::info,
               "supervisor", "state",
               {{"child", ev.id},
                {"gen", static_cast<std::uint64_t>(ev.gen)},
                {"from", to_string(ev.from)},
                {"to", to_string(ev.to)},
                {"reason", ev.reason}});
    if (ev.id == "engine" || ev.id == "x_server")
      engine_changed(ev);
    if (ev.id == "lobby" && ev.to == child_state::ready)
      tell_engine(); // a new one knows nothing yet
    if (ev.id == "activity" && ev.death)
      gateway_->drop_followers();
  }

  void engine_changed(const supervision_event& ev) {
    (ev.id == "engine" ? engine_ : x_server_) = ev;
    tell_engine();
  }

  void tell_engine() {
    engine_status now;
    now.info.name = parts_.choice.name;
    now.info.version = parts_.choice.version;
    now.info.ready = engine_.to == child_state::ready;
    now.info.reason
      = engine_.reason.empty() ? "it is " + std::string{to_string(engine_.to)} : engine_.reason;
    now.info.stun = gateway_->stun();
    // Without an X server that is meant to run there is nothing to wait for either.
    auto rests = [](child_state x) { return x == child_state::stopped || x == child_state::idle; };
    now.stopped = rests(engine_.to) || rests(x_server_.to);
    if (now.info.ready)
      now.client = parts_.engine->get();
    parts_.viewers.send(viewers_engine{std::move(now)});
  }

  void on_all_ready() {
    auto told = announce_ready({gateway_->url(), gateway_->ticket_link(true), parts_.choice.name,
                                how_.ready_file, state_.token(), realtime()});
    if (!told)
      log::warn("daemon", "ready_file", {{"detail", told.error().detail}});
    (void)sd_notify("READY=1\nSTATUS=serving " + gateway_->url());
    log::info("daemon", "ready", {{"url", gateway_->url()}, {"engine", parts_.choice.name}});
    if (how_.banner)
      print_banner({gateway_->url(), gateway_->ticket_link(false), parts_.choice,
                    parts_.context != nullptr, how_.state_dir, how_.workspace, realtime().session});
  }

  /// Where agents find this sandbox; empty: nowhere.
  realtime_facts realtime() const {
    auto access = realtime_access(*parts_.link, gateway_->url(), "");
    if (!access)
      return {};
    return {access->at("url"), log::secret{access->at("key")}, access->at("session")};
  }

  // -- stop

  void wait_for_signal() {
    signals_.async_wait([this](boost::system::error_code ec, int number) {
      if (ec)
        return;
      if (number == SIGHUP)
        log::reopen();
      else
        ask_stop(number == SIGINT ? "interrupted" : "asked to stop", 0);
      wait_for_signal();
    });
  }

  /// The kernel sends SIGTERM as well then: together they are one request.
  void keeper_gone() {
    {
      std::lock_guard guard{mutex_};
      if (!stop_reason_.empty())
        return;
      keeper_gone_ = true;
    }
    ask_stop("the keeper is gone", 0);
  }

  void ask_stop(const std::string& reason, int code) {
    std::lock_guard guard{mutex_};
    if (!stop_reason_.empty()) {
      if (std::exchange(keeper_gone_, false))
        return;
      hurry(); // asked twice
      return;
    }
    stop_reason_ = reason;
    stop_code_ = code;
    wake_.notify_all();
  }

  /// Called with the lock. A second request ends within a second, whatever hangs.
  void hurry() {
    if (hurried_)
      return;
    hurried_ = true;
    parts_.tree->hurry();
    force_.expires_after(hurry_limit);
    force_.async_wait([this](boost::system::error_code ec) {
      if (ec)
        return;
      (void)sweep_descendants(std::chrono::steady_clock::now() + 200ms);
      std::_Exit(stop_code_);
    });
    wake_.notify_all();
  }

  std::pair<int, std::string> wait_until_asked() {
    std::unique_lock lock{mutex_};
    wake_.wait(lock, [this] { return !stop_reason_.empty(); });
    return {stop_code_, stop_reason_};
  }

  /// Waits for `act`'s callback, at most `limit`, less once somebody is in a hurry.
  void step(std::chrono::milliseconds limit,
            const std::function<void(std::function<void()>)>& act) {
    auto done = std::make_shared<bool>(false);
    act([this, done] {
      std::lock_guard guard{mutex_};
      *done = true;
      wake_.notify_all();
    });
    std::unique_lock lock{mutex_};
    wake_.wait_for(lock, limit, [&] { return *done || hurried_; });
  }

  void stop_in_order() {
    const auto until = std::chrono::steady_clock::now() + stop_limit;
    gateway_->stop_accepting();
    if (parts_.recordings)
      parts_.recordings->goodbye([] {}); // it ends while the others say theirs
    step(commands_limit, [this](std::function<void()> done) {
      if (!parts_.link->commands.send(commands_goodbye{done}))
        done();
    });
    step(recording_limit, [this](std::function<void()> done) {
      if (parts_.recordings)
        parts_.recordings->goodbye(std::move(done));
      else
        done();
    });
    step(viewers_limit + 200ms, [this](std::function<void()> done) {
      parts_.viewers.send(
        viewers_goodbye{1001, "the daemon stops", viewers_limit, std::move(done)});
    });
    step(1'200ms, [this](std::function<void()> done) {
      if (parts_.link->broker)
        parts_.link->broker->close_all(std::move(done)); // 1012: agents come back by themselves
      else
        done();
    });
    step(2'000ms, [this](std::function<void()> done) {
      gateway_->close_all(1001, "the daemon stops", std::move(done));
    });
    // Not shortened by a hurry: the tree itself hurries then, and the force timer ends all else.
    auto done = std::make_shared<bool>(false);
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      until - std::chrono::steady_clock::now());
    parts_.tree->stop_all(left, [this, done](const result<void>& got) {
      if (!got)
        log::warn("daemon", "stop_incomplete", {{"detail", got.error().detail}});
      std::lock_guard guard{mutex_};
      *done = true;
      wake_.notify_all();
    });
    std::unique_lock lock{mutex_};
    wake_.wait_for(lock, left, [&] { return *done; });
  }

  void shut_down() {
    state_.remove_daemon_info();
    if (!how_.ready_file.empty())
      unlink(how_.ready_file.c_str());
    // The keeper may be gone: nothing of ours may outlive us.
    (void)sweep_descendants(std::chrono::steady_clock::now() + 500ms);
    log::info("daemon", "stopped");
    log::close();
    // What still runs is swept by the keeper. Taking everything apart in order would only give a
    // stuck handler the chance to hold up the end.
    std::cerr.flush();
  }

  const daemon_options& how_;
  state_dir& state_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::string stop_reason_;
  int stop_code_ = 0;
  bool hurried_ = false;
  bool keeper_gone_ = false;

  supervision_event engine_; ///< the newest of each; supervisor's handlers only
  supervision_event x_server_;
  int viewers_ = 0; ///< signaling children that are ready; supervisor's handlers only

  spawner starter_;
  process_killer killer_;
  runtime rt_;
  keeper_link link_;
  reaper reaper_;
  boost::asio::signal_set signals_;
  boost::asio::steady_timer force_;
  shared_parts parts_;
  std::shared_ptr<gateway_child> gateway_;
  supervision::supervisor_actor supervisor_;
};

} // namespace

int run_daemon(const daemon_options& how) {
  auto state = state_dir::open(how.state_dir);
  if (!state)
    return complain(state.error());
  if (!how.ready_file.empty())
    unlink(how.ready_file.c_str()); // one of a killed daemon must not be believed
  auto level = log::level_from_string(how.config.values.log.level);
  log::options log_to;
  log_to.file = state->log_dir() / "holt.jsonl";
  log_to.file_level = *level;
  // A person sees the banner and what goes wrong; a service manager keeps everything.
  log_to.stderr_level = how.banner ? log::level::warn : *level;
  if (auto opened = log::open(log_to); !opened)
    return complain(opened.error());
  harden_process();
  auto checked = preflight(how.config.values);
  if (!checked)
    return complain(checked.error());
  desktop_context_ptr context;
  if (how.config.values.desktop.enabled) {
    auto made = desktop_context::make(how.state_dir, how.workspace);
    if (!made)
      return complain(made.error());
    context = *made;
    const auto& size = how.config.values.desktop;
    context->set_size({size.width, size.height, 0}, size.dpi);
    context->switch_accessibility(size.accessibility);
  }
  auto* running = new daemon{how, *state, *checked, std::move(context)};
  auto code = running->run();
  std::_Exit(code); // see shut_down()
}

} // namespace holt

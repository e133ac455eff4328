// SPDX-License-Identifier: Apache-2.0

// One recording from its start to its end: ffmpeg's runs, one after the other, and what follows
// when the screen changes, a limit is reached, somebody stops it, or ffmpeg dies.

#include "actors/recorder_active.hpp"

#include "desktop/workbench.hpp"
#include "transport/log.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/post.hpp>

#include <sys/stat.h>

#include <algorithm>

namespace holt {

namespace {

using namespace std::chrono_literals;

constexpr auto begin_limit = 20s; ///< until the first pictures are in the file
constexpr auto end_limit = 15s;   ///< ffmpeg's own way, then the tree's
constexpr auto look_interval = 500ms;
constexpr auto short_part = 1s;
constexpr unsigned most_short_parts = 10;

bool is_ready(const supervision::tree_report& tree, const child_id& id) {
  const auto* node = find_node(tree, id);
  return node != nullptr && node->state == child_state::ready;
}

/// The header is written with the first pictures.
probe_function has_pictures(std::string path) {
  return [path = std::move(path)](const probe_done& done) {
    struct stat now {};
    if (stat(path.c_str(), &now) == 0 && now.st_size > 0)
      return done({});
    done(error{errc::busy, "nothing is recorded yet"});
  };
}

} // namespace

// -- the child

void recorder::watched_port::start(generation gen, supervision::event_sink sink) {
  inner_->start(gen, [owner = owner_, run = run_, part = part_,
                      sink = std::move(sink)](generation of, supervision::child_event what) {
    if (auto me = owner.lock())
      me->on_strand([run, part, what](recorder& on) {
        if (auto still = run.lock())
          on.heard(still, part, what);
      });
    sink(of, std::move(what));
  });
}

void recorder::watched_port::stop(generation gen) {
  if (auto me = owner_.lock())
    me->on_strand([run = run_](recorder&) {
      if (auto still = run.lock(); still && !still->stopping && !still->resizing)
        still->stopped_by_tree = true;
    });
  inner_->stop(gen);
}

// -- the beginning

void recorder::begin(const active_ptr& run, const result<supervision::tree_report>& tree) {
  if (!tree)
    return refuse(run, tree.error());
  if (!is_ready(*tree, "x_server"))
    return refuse(run, {errc::conflict, "Desktop runtime has not been started"});
  if (auto program = need_program("ffmpeg", "ffmpeg", deps_.context->environment()["PATH"]);
      !program)
    return refuse(run, program.error());
  run->sound_there = run->wish.sound.value_or(true) && is_ready(*tree, "audio");
  ask_size(run, &recorder::make);
}

void recorder::ask_size(const active_ptr& run,
                        void (recorder::*then)(const active_ptr&,
                                               const result<desktop::screen_size>&)) {
  deps_.door->post([weak = weak_from_this(), run, then](const result<desktop::workbench*>& bench) {
    auto size = bench ? (*bench)->view().size() : result<desktop::screen_size>{bench.error()};
    if (auto me = weak.lock())
      me->on_strand([run, then, size](recorder& on) { (on.*then)(run, size); });
  });
}

void recorder::make(const active_ptr& run, const result<desktop::screen_size>& size) {
  if (!size)
    return refuse(run, {errc::conflict, "the desktop is not there: " + size.error().detail});
  if (run->stopping)
    return refuse(run, {errc::cancelled, "it was stopped before it began"});
  const auto& limits = deps_.limits;
  run->allowed = std::min(limits.max_bytes, limits.max_total_bytes - store_.total_bytes());
  run->screen = *size;
  recording like;
  like.fps = run->wish.fps.value_or(limits.fps);
  like.width = even(size->width);
  like.height = even(size->height);
  like.sound = run->sound_there;
  like.started = std::chrono::system_clock::now();
  auto made = store_.create(std::move(like));
  if (!made)
    return refuse(run, made.error());
  run->what = std::move(*made);
  run->part = 1;
  run->patience = active::clock::now() + begin_limit;
  launch(run);
  look_later(run);
}

recording_run recorder::arguments_of(const active& run) const {
  recording_run out;
  out.display = deps_.context->display();
  out.screen_width = run.screen.width;
  out.screen_height = run.screen.height;
  out.width = run.what.width;
  out.height = run.what.height;
  out.fps = run.what.fps;
  out.sound = run.what.sound;
  out.sound_there = run.sound_there;
  const auto spent
    = run.up ? std::chrono::duration_cast<std::chrono::seconds>(active::clock::now() - run.begun)
             : 0s;
  const auto used = std::min(run.up ? run.what.bytes : 0, run.allowed - 1);
  const auto seconds = static_cast<std::uint64_t>(spent.count());
  out.seconds = std::max<std::uint64_t>(1, deps_.limits.max_seconds
                                             - std::min(deps_.limits.max_seconds, seconds));
  out.bytes = run.allowed - used;
  out.path = run.more ? run.more->path : store_.path_of(run.what);
  return out;
}

void recorder::launch(const active_ptr& run) {
  const auto how = arguments_of(*run);
  run->child
    = "recorder/" + run->what.id() + (run->part > 1 ? "." + std::to_string(run->part) : "");
  run->part_begun = active::clock::now();
  process_child_options child;
  child.id = run->child;
  child.spec = [context = deps_.context, how,
                log_file = deps_.log_dir + "/recorder.log"]() -> result<process_spec> {
    process_spec out;
    out.env = context->environment();
    auto program = need_program("ffmpeg", "ffmpeg", out.env["PATH"]);
    if (!program)
      return program.error();
    out.argv = ffmpeg_arguments(how);
    out.argv.insert(out.argv.begin(), *program);
    out.log_file = log_file;
    return out;
  };
  child.ready = has_pictures(how.path);
  supervision::child_spec spec;
  spec.id = run->child;
  spec.parent = "desktop";
  spec.depends_on = {"x_server"};
  spec.restart = restart_policy::temporary;
  spec.optional = true;
  spec.ready.timeout = begin_limit;
  spec.clean_exit_codes = {0, 255}; // 255: it ended its own way, when it was asked to
  spec.port = std::make_shared<watched_port>(make_process_child(deps_.tools, std::move(child)),
                                             weak_from_this(), run);
  deps_.tree->add(std::move(spec),
                  [weak = weak_from_this(), run, part = run->part](const result<void>& added) {
                    if (auto me = weak.lock(); me && !added)
                      me->on_strand([run, part, why = added.error()](recorder& on) {
                        on.heard(run, part, supervision::spawn_failed{why.detail, false});
                      });
                  });
}

void recorder::heard(const active_ptr& run, unsigned part, const supervision::child_event& what) {
  if (!current(run) || run->part != part || run->child.empty())
    return;
  if (std::holds_alternative<supervision::became_ready>(what)) {
    if (!run->up)
      came_up(run);
  } else if (const auto* failed = std::get_if<supervision::spawn_failed>(&what)) {
    run->child.clear();
    if (run->up)
      return finish(run, recording_status::failed, failed->reason);
    refuse(run,
           {failed->permanent ? errc::dependency_missing : errc::spawn_failed, failed->reason});
  } else if (const auto* over = std::get_if<supervision::exited>(&what)) {
    run->child.clear();
    part_over(run, *over);
  }
}

void recorder::came_up(const active_ptr& run) {
  run->up = true;
  run->begun = active::clock::now();
  run->what.started = std::chrono::system_clock::now();
  if (auto saved = store_.save(run->what); !saved)
    log::warn("recorder", "not_saved", {{"detail", saved.error().detail}});
  const auto& what = run->what;
  deps_.activity.send(activity_append{"recording",
                                      {{"id", what.id()},
                                       {"phase", "started"},
                                       {"fps", what.fps},
                                       {"width", what.width},
                                       {"height", what.height},
                                       {"sound", what.sound},
                                       {"name", run->wish.who}}});
  if (auto tell = std::exchange(run->started, nullptr)) {
    auto now = store_.find(what.id());
    tell({boost::system::in_place_value, show(now ? *now : what)});
  }
}

// -- the end of a part

void recorder::part_over(const active_ptr& run, const supervision::exited& how) {
  std::string trouble;
  if (run->more) {
    if (auto joined = store_.join_part(run->what, *run->more); !joined)
      trouble = joined.error().detail;
    run->more.reset();
  }
  if (auto now = store_.find(run->what.id()))
    run->what.bytes = now->bytes;
  if (!trouble.empty())
    return finish(run, recording_status::failed, trouble);
  if (run->stopping)
    return finish(run, recording_status::completed, run->stop_reason);
  if (run->stopped_by_tree)
    return finish(run, recording_status::completed, "the desktop was stopped");
  if (!run->up) {
    std::string said = how.last_lines.empty() ? "it said nothing" : how.last_lines.back();
    return refuse(run, {errc::spawn_failed, "ffmpeg did not begin: " + said});
  }
  // Only who knows the screen's size can tell a resize from a death.
  deps_.door->post([weak = weak_from_this(), run, how](const result<desktop::workbench*>& bench) {
    auto size = bench ? (*bench)->view().size() : result<desktop::screen_size>{bench.error()};
    if (auto me = weak.lock())
      me->on_strand([run, how, size](recorder& on) { on.go_on(run, how, size); });
  });
}

void recorder::go_on(const active_ptr& run, const supervision::exited& how,
                     const result<desktop::screen_size>& size) {
  if (!current(run))
    return;
  if (run->stopping)
    return finish(run, recording_status::completed, run->stop_reason);
  const auto now = active::clock::now();
  const bool other
    = size && (size->width != run->screen.width || size->height != run->screen.height);
  run->short_parts = now - run->part_begun < short_part ? run->short_parts + 1 : 0;
  if ((other || (size && run->resizing)) && run->short_parts < most_short_parts)
    return next_part(run, *size);
  auto verdict = judge(how, deps_.limits,
                       std::chrono::duration_cast<std::chrono::milliseconds>(now - run->begun),
                       run->what.bytes, run->allowed);
  if (verdict.how == run_end::limit)
    return finish(run, recording_status::completed, std::move(verdict.reason));
  if (!size)
    verdict.reason += "; the X server was gone";
  finish(run, recording_status::failed, std::move(verdict.reason), how.last_lines);
}

void recorder::next_part(const active_ptr& run, desktop::screen_size size) {
  const auto at
    = std::chrono::duration_cast<std::chrono::milliseconds>(active::clock::now() - run->begun);
  auto more = store_.begin_part(run->what, at);
  if (!more)
    return finish(run, recording_status::failed, more.error().detail);
  run->more = std::move(*more);
  run->screen = size;
  run->resizing = false;
  ++run->part;
  launch(run);
}

/// Asks ffmpeg to end, through the tree; asked again by look() as long as it runs.
void recorder::stop_part(const active_ptr& run) {
  if (!std::exchange(run->stopping, true))
    run->patience = active::clock::now() + end_limit;
  if (!run->child.empty())
    deps_.tree->stop(run->child, [](const result<void>&) {});
}

void recorder::finish(const active_ptr& run, recording_status status, std::string reason,
                      std::vector<std::string> last_lines) {
  if (!current(run))
    return;
  run->timer.cancel();
  if (!run->up)
    return refuse(run, {errc::cancelled, "it was stopped before it began"});
  auto& what = run->what;
  what.status = status;
  what.reason = std::move(reason);
  what.last_lines = std::move(last_lines);
  what.ended = std::chrono::system_clock::now();
  what.duration
    = std::chrono::duration_cast<std::chrono::milliseconds>(active::clock::now() - run->begun);
  if (auto done = store_.finish(what); !done)
    log::warn("recorder", "not_final", {{"detail", done.error().detail}});
  if (auto saved = store_.save(what); !saved)
    log::warn("recorder", "not_saved", {{"detail", saved.error().detail}});
  now_.reset();
  auto out = to_document(what);
  nlohmann::json news{{"id", what.id()}, {"phase", "ended"}};
  for (const auto* field : {"status", "bytes", "durationMs", "reason", "lastLines"})
    if (out.contains(field))
      news[field] = out[field];
  deps_.activity.send(activity_append{"recording", std::move(news)});
  if (what.status == recording_status::failed)
    log::warn("recorder", "failed", {{"recording", what.id()}, {"detail", what.reason}});
  for (const auto& tell : run->stoppers)
    tell({boost::system::in_place_value, out});
  for (const auto& tell : run->leavers)
    tell();
}

/// It never began: nothing of it is kept but its number.
void recorder::refuse(const active_ptr& run, const error& why) {
  if (!current(run))
    return;
  run->timer.cancel();
  now_.reset();
  if (run->what.number != 0)
    store_.forget(run->what);
  if (auto tell = std::exchange(run->started, nullptr))
    tell(why);
  for (const auto& tell : run->stoppers)
    tell(error{errc::conflict, "no desktop recording is active"});
  for (const auto& tell : run->leavers)
    tell();
}

// -- what happens meanwhile

void recorder::look_later(const active_ptr& run) {
  run->timer.expires_after(look_interval);
  run->timer.async_wait(boost::asio::bind_executor(
    strand_, [weak = weak_from_this(), run](boost::system::error_code ec) {
      if (auto me = weak.lock(); me && !ec && me->current(run))
        me->look(run);
    }));
}

void recorder::look(const active_ptr& run) {
  look_later(run);
  const bool late = active::clock::now() > run->patience;
  if (!run->up || run->stopping) {
    if (late && !run->up)
      stop_part(run);
    if (late)
      return finish(run, recording_status::completed, run->stop_reason);
    if (run->stopping)
      stop_part(run);
    return;
  }
  if (!run->child.empty() && !run->resizing)
    ask_size(run, &recorder::saw_size);
}

void recorder::saw_size(const active_ptr& run, const result<desktop::screen_size>& size) {
  if (!current(run) || !size || run->child.empty() || run->stopping || run->resizing)
    return;
  if (size->width == run->screen.width && size->height == run->screen.height)
    return;
  run->resizing = true;
  deps_.tree->stop(run->child, [](const result<void>&) {});
}

} // namespace holt

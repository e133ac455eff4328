// SPDX-License-Identifier: Apache-2.0
#include "actors/desktop_children.hpp"

#include "actors/desk_listener.hpp"
#include "actors/x_client.hpp"
#include "desktop/root_window.hpp"
#include "desktop/workbench.hpp"
#include "transport/log.hpp"
#include "transport/probe.hpp"
#include "transport/state_dir.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>

namespace holt {

namespace {

using namespace std::chrono_literals;
using supervision::child_spec;
using supervision::exhausted_policy;

constexpr auto probe_limit = 1'000ms;
constexpr auto start_limit = 9'000ms;

result<process_spec> program_spec(const desktop_options& how, const child_id& id,
                                  const std::string& program, const std::string& package,
                                  std::vector<std::string> arguments) {
  process_spec out;
  out.env = how.context->environment();
  auto found = need_program(program, package, out.env["PATH"]);
  if (!found)
    return found.error();
  out.argv = {*found};
  out.argv.insert(out.argv.end(), arguments.begin(), arguments.end());
  out.cwd = how.context->workspace();
  out.log_file = how.log_dir + "/" + id + ".log";
  return out;
}

child_spec base(const desktop_options& how, const child_id& id) {
  child_spec out;
  out.id = id;
  out.parent = "desktop";
  out.autostart = true; // with its group, which may wait to be asked
  out.backoff = how.defaults.backoff;
  out.budget = how.defaults.budget;
  return out;
}

child_spec live(child_spec spec, const desktop_options& how) {
  spec.live = how.defaults.live;
  spec.live.enabled = true;
  return spec;
}

child_spec optional(child_spec spec) {
  spec.optional = true;
  spec.on_exhausted = exhausted_policy::cooldown;
  return spec;
}

// -- the X server

/// Carries the pipe on which Xvfb says which display it chose.
class display_pipe {
public:
  ~display_pipe() { close_write_end(); }

  /// A new pipe; its read end is the caller's.
  result<int> open() {
    close_write_end();
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
      return file_error(errno, "cannot make", "a pipe");
    write_end_ = ends[1];
    return ends[0];
  }

  int write_end() const { return write_end_; }

  void close_write_end() {
    auto fd = write_end_.exchange(-1);
    if (fd >= 0)
      ::close(fd);
  }

private:
  std::atomic<int> write_end_{-1};
};

child_spec x_server(const desktop_options& how) {
  auto pipe = std::make_shared<display_pipe>();
  process_child_options child;
  child.id = "x_server";
  child.spec = [how, pipe]() -> result<process_spec> {
    how.context->set_display(std::nullopt);
    auto screen = std::to_string(how.max_width) + "x" + std::to_string(how.max_height) + "x24";
    auto spec = program_spec(how, "x_server", "Xvfb", "xvfb",
                             {"-displayfd", "3", "-screen", "0", screen, "-noreset", "-nolisten",
                              "tcp", "-auth", how.context->xauthority(), "-dpi",
                              std::to_string(how.context->dpi())});
    if (!spec)
      return spec;
    auto number = pipe->open();
    if (!number)
      return number.error();
    spec->descriptors[3] = pipe->write_end();
    probe::read_number(how.tools.io.get_executor(), *number, start_limit,
                       [context = how.context](const result<int>& got) {
                         if (got && *got >= 0)
                           context->set_display(static_cast<unsigned>(*got));
                         else if (!got)
                           log::debug("x_server", "no_display", {{"detail", got.error().detail}});
                       });
    return spec;
  };
  child.after_start = [pipe] { pipe->close_write_end(); };
  child.ready = [how](probe_done done) {
    auto number = how.context->display_number();
    if (!number)
      return done(error{errc::busy, "the X server has not chosen a display yet"});
    probe::x11_display(how.tools.io.get_executor(), static_cast<int>(*number),
                       how.context->xauthority(), probe_limit, std::move(done));
  };
  child.live = child.ready;
  auto spec = live(base(how, "x_server"), how);
  spec.stop.grace = 2s;
  spec.port = make_process_child(how.tools, std::move(child));
  return spec;
}

// -- our own X connection

child_spec x_client(const desktop_options& how) {
  auto port = std::make_shared<std::weak_ptr<actor_child>>();
  auto child
    = make_actor_child({"x_client",
                        [how, port]() -> caf::actor {
                          x_client_options options;
                          options.display = {how.context->display(), how.context->xauthority()};
                          options.size = how.context->size();
                          options.dpi = how.context->dpi();
                          options.door = how.door;
                          options.on_hand = how.on_hand;
                          if (const auto* all = how.on_hand.target<desk_listener>())
                            options.on_copied = all->copied;
                          options.on_ready = [port] {
                            if (auto self = port->lock())
                              self->report_ready();
                          };
                          options.on_failure = [port](std::string why) {
                            if (auto self = port->lock())
                              self->report_end_reason(std::move(why));
                          };
                          auto actor = spawn_x_client(*how.system, std::move(options));
                          how.x_client.set(actor);
                          return actor;
                        },
                        [how] { how.x_client.clear(); }, true});
  *port = child;
  auto spec = base(how, "x_client");
  spec.kind = child_kind::actor;
  spec.depends_on = {"x_server"};
  spec.stop.grace = 1s;
  spec.port = child;
  return spec;
}

/// Asks on our own X connection.
probe_function window_manager_present(const desktop_options& how) {
  return [how](probe_done done) {
    auto shared = std::make_shared<probe_done>(std::move(done));
    how.x_client.send(x_call{[shared](const result<desktop::workbench*>& bench) {
      auto there = bench ? desktop::has_window_manager((*bench)->x()) : result<bool>{bench.error()};
      if (!there)
        (*shared)(there.error());
      else if (!*there)
        (*shared)(error{errc::busy, "no window manager has announced itself"});
      else
        (*shared)({});
    }});
  };
}

child_spec window_manager(const desktop_options& how) {
  process_child_options child;
  child.id = "window_manager";
  child.spec = [how] {
    return program_spec(how, "window_manager", "openbox", "openbox",
                        {"--sm-disable", "--config-file", how.context->file("openbox.xml")});
  };
  child.ready = window_manager_present(how);
  auto spec = base(how, "window_manager");
  spec.depends_on = {"x_server", "x_client"};
  spec.on_exhausted = exhausted_policy::cooldown;
  spec.sweep_on_death = false; // the windows that it started must outlive its crash
  spec.stop.grace = 2s;
  spec.port = make_process_child(how.tools, std::move(child));
  return spec;
}

child_spec panel(const desktop_options& how) {
  process_child_options child;
  child.id = "panel";
  child.spec = [how] {
    return program_spec(how, "panel", "tint2", "tint2", {"-c", how.context->file("panel.conf")});
  };
  auto spec = optional(base(how, "panel"));
  spec.depends_on = {"window_manager"};
  spec.sweep_on_death = false;
  spec.stop.grace = 1s;
  spec.port = make_process_child(how.tools, std::move(child));
  return spec;
}

// -- the buses

child_spec session_bus(const desktop_options& how) {
  process_child_options child;
  child.id = "session_bus";
  child.spec = [how] {
    unlink(how.context->bus_socket().c_str()); // a killed one leaves its socket
    return program_spec(
      how, "session_bus", "dbus-daemon", "dbus",
      {"--session", "--nofork", "--nopidfile", "--address=" + how.context->bus_address()});
  };
  // The accessibility bus is begun by the session bus, for whoever asks first, so that a program
  // and we cannot begin it twice.
  child.ready = [how](probe_done done) {
    probe::unix_socket(how.tools.io.get_executor(), how.context->bus_socket(), probe_limit,
                       [how, done = std::move(done)](const result<void>& got) {
                         if (got && how.context->accessibility()
                             && !accessibility::launcher_program().empty())
                           how.context->accessibility()->wake();
                         done(got);
                       });
  };
  auto spec = optional(base(how, "session_bus"));
  spec.stop.grace = 1s;
  spec.port = make_process_child(how.tools, std::move(child));
  return spec;
}

child_spec audio(const desktop_options& how) {
  process_child_options child;
  child.id = "audio";
  child.spec = [how] {
    unlink(how.context->pulse_socket().c_str());
    auto spec = program_spec(
      how, "audio", "pulseaudio", "pulseaudio",
      {"-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--log-target=stderr",
       "-L", "module-native-protocol-unix auth-anonymous=1 socket=" + how.context->pulse_socket(),
       "-L", "module-null-sink sink_name=audio_output rate=48000 channels=2"});
    if (spec) {
      spec->env["HOME"] = how.context->file("pulse");
      spec->env["PULSE_RUNTIME_PATH"] = how.context->file("pulse");
      spec->env.erase("PULSE_SERVER");
      spec->env.erase("DISPLAY");
    }
    return spec;
  };
  child.ready = [how](probe_done done) {
    probe::unix_socket(how.tools.io.get_executor(), how.context->pulse_socket(), probe_limit,
                       std::move(done));
  };
  auto spec = optional(base(how, "audio"));
  spec.stop.grace = 1s;
  spec.port = make_process_child(how.tools, std::move(child));
  return spec;
}

} // namespace

result<std::string> need_program(const std::string& program, const std::string& package,
                                 const std::string& path) {
  if (auto found = find_program(program, path))
    return found;
  return error{errc::dependency_missing, program + " is not installed: apt-get install " + package};
}

std::vector<child_spec> desktop_children(const desktop_options& how) {
  child_spec group;
  group.id = "desktop";
  group.kind = child_kind::group;
  group.autostart = how.autostart;
  group.backoff = how.defaults.backoff;
  group.budget = how.defaults.budget;
  std::vector<child_spec> out{
    group, x_server(how), x_client(how), session_bus(how), window_manager(how), panel(how)};
  if (how.sound)
    out.push_back(audio(how));
  return out;
}

} // namespace holt

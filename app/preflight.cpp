// SPDX-License-Identifier: Apache-2.0
#include "app/preflight.hpp"

#include "actors/desktop_children.hpp"
#include "app/children.hpp"
#include "transport/process.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include <sys/prctl.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

namespace holt {

namespace {

using namespace std::chrono_literals;

result<void> check_media_port(const config& values) {
  if (values.stream.media_port == 0 || values.http.port == 0)
    return {};
  namespace asio = boost::asio;
  auto bind = choose_media_addresses(values).bind;
  boost::system::error_code ec;
  asio::io_context io;
  asio::ip::udp::socket socket{io};
  auto address = asio::ip::make_address(bind, ec);
  socket.open(asio::ip::udp::v4(), ec);
  socket.bind({address, values.stream.media_port}, ec);
  if (!ec)
    return {};
  return error{errc::port_unavailable,
               "the media port " + std::to_string(values.stream.media_port) + "/udp on " + bind
                 + " cannot be used (" + ec.message()
                 + "); choose another with --stream-media-port, or 0 for any"};
}

} // namespace

result<std::string> run_and_read(const std::vector<std::string>& argv) {
  boost::asio::io_context io;
  spawner starter;
  process_spec spec;
  spec.argv = argv;
  spec.env = scrubbed_environment(environ);
  spec.env["NEKO_LEGACY"] = "false";
  std::string text;
  result<std::string> out = error{errc::timeout, "no answer within 3 s"};
  process_handlers handlers;
  handlers.on_started = [&](const result<pid_t>& pid) {
    if (pid)
      return;
    out = pid.error();
    io.stop();
  };
  handlers.on_line = [&](const std::string& line) {
    if (text.size() < 64 * 1024)
      text += line + "\n";
  };
  handlers.on_exit = [&](const exit_status&) {
    out = text;
    io.stop();
  };
  auto busy = boost::asio::make_work_guard(io); // the launch itself happens on another thread
  auto child = process::start(starter, io.get_executor(), std::move(spec), std::move(handlers));
  io.run_for(3s);
  if (!io.stopped()) {
    child->signal(SIGKILL);
    io.run_for(500ms);
  }
  return out;
}

std::string program_dir() {
  std::error_code ec;
  return std::filesystem::read_symlink("/proc/self/exe", ec).parent_path();
}

std::string search_path() {
  const auto* path = std::getenv("PATH");
  return path != nullptr && *path != '\0'
           ? path
           : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

result<engine_choice> find_engine(const config& values) {
  engine_wish wish{values.stream.engine, values.stream.neko_path, search_path(), program_dir()};
  return choose_engine(wish, run_and_read);
}

result<engine_choice> preflight(const config& values) {
  if (!values.desktop.enabled)
    return engine_choice{};
  for (auto [program, package] : {std::pair{"Xvfb", "xvfb"}, std::pair{"openbox", "openbox"}})
    if (auto found = need_program(program, package, search_path()); !found)
      return error{errc::dependency_missing,
                   found.error().detail + " (or run without a desktop: --no-desktop)"};
  auto engine = find_engine(values);
  if (!engine)
    return engine;
  if (auto port = check_media_port(values); !port)
    return port.error();
  return engine;
}

void harden_process() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  signal(SIGPIPE, SIG_IGN);
#ifndef HOLT_SANITIZED
  prctl(PR_SET_DUMPABLE, 0); // no other process of the same user may read the token out of us
#endif
}

} // namespace holt

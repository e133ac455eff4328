// SPDX-License-Identifier: Apache-2.0

// holt cp: files and folders between this machine and the sandbox, as cp -r would: into a folder
// that exists, else under the new name. What is broken off leaves nothing.

#include "app/sandbox_verbs.hpp"
#include "app/verb_tools.hpp"
#include "client/atomic_file.hpp"
#include "client/interrupts.hpp"
#include "client/process_log.hpp"
#include "client/transfer.hpp"
#include "transport/secret.hpp"
#include "transport/url.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <iostream>
#include <sys/stat.h>
#include <unistd.h>

namespace holt {

namespace {

namespace fs = std::filesystem;
using client::local_error;
using client::progress;
using nlohmann::json;

struct place {
  bool sandbox = false;
  bool stream = false;        ///< `-`
  bool contents = false;      ///< `FOLDER/.`: what is in it, not itself
  bool folder_wanted = false; ///< ends in a slash
  std::string path;
};

place read_place(const std::string& typed) {
  place out;
  out.stream = typed == "-";
  out.sandbox = typed.rfind("sbx:", 0) == 0;
  out.path = sandbox_path(typed);
  out.contents = out.path == "." || out.path.ends_with("/.");
  out.folder_wanted = out.path.ends_with('/');
  if (out.contents && out.path.size() > 2)
    out.path.resize(out.path.size() - 2);
  while (out.path.size() > 1 && out.path.ends_with('/'))
    out.path.pop_back();
  return out;
}

std::string name_of(const std::string& path) {
  return path.substr(path.rfind('/') + 1); // npos + 1 is 0
}

std::string joined(const std::string& folder, const std::string& name) {
  return folder.ends_with('/') ? folder + name : folder + "/" + name;
}

/// Beside `path`, with a name that nobody else takes.
std::string beside(const std::string& path) {
  const auto name = ".holt-" + random_hex(8);
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? name : path.substr(0, slash + 1) + name;
}

enum class kind { nothing, file, folder };

class copying {
public:
  copying(const daemon_client& client, const client::interrupts& stop, std::string what)
    : api_{client.api(stop.fd())}, calm_{client.api()}, how_far_{std::move(what)} {}

  result<void> run(const place& from, place to) {
    if (from.sandbox && to.sandbox)
      return within(from, to);
    return from.sandbox ? out_of(from, to) : into(from, to);
  }

  std::uint64_t bytes() const { return how_far_.bytes(); }
  bool whole() const { return left_out_ == 0; }

private:
  // -- looks

  result<kind> there(const std::string& path) const {
    auto got = api_.call("GET", "/v1/fs/stat?path=" + url::percent_encode(path));
    if (got)
      return got->value("entryType", "") == "directory" ? kind::folder : kind::file;
    if (got.error().code == errc::not_found)
      return kind::nothing;
    return got.error();
  }

  static result<kind> here(const std::string& path) {
    struct stat look = {};
    if (::stat(path.c_str(), &look) == 0)
      return S_ISDIR(look.st_mode) ? kind::folder : kind::file;
    if (errno == ENOENT)
      return kind::nothing;
    return local_error(errno, path);
  }

  /// Where it is to be in the end, and what is there now.
  template <class Look>
  static result<kind> settle(place& to, const std::string& name, bool contents, const Look& look) {
    auto now = look(to.path);
    if (!now)
      return now;
    if (*now == kind::nothing && to.folder_wanted && name.empty())
      return error{errc::not_found, to.path + ": there is no such folder"};
    const bool inside
      = (*now == kind::folder || (*now == kind::nothing && to.folder_wanted)) && !contents;
    if (!inside)
      return now;
    if (name.empty())
      return error{errc::is_directory, to.path + " is a folder: name the file"};
    to.path = joined(to.path, name);
    return look(to.path);
  }

  // -- within

  result<void> within(const place& from, place to) {
    auto what = settle(to, name_of(from.path), false, [this](const auto& p) { return there(p); });
    if (!what)
      return what.error();
    auto done = api_.call("POST", "/v1/fs/copy",
                          {{"from", from.path}, {"to", to.path}, {"overwrite", true}},
                          std::chrono::hours{1});
    if (!done)
      return done.error();
    return {};
  }

  // -- into the sandbox

  result<void> into(const place& from, place to) {
    if (from.stream) {
      auto what = settle(to, "", false, [this](const auto& p) { return there(p); });
      if (!what)
        return what.error();
      return client::send_file(api_, STDIN_FILENO, "stdin", {}, to.path, {}, how_far_);
    }
    auto what = here(from.path);
    if (!what)
      return what.error();
    if (*what == kind::nothing)
      return local_error(ENOENT, from.path);
    const auto name = name_of(fs::absolute(from.path).lexically_normal().string());
    auto old = settle(to, name, from.contents, [this](const auto& p) { return there(p); });
    if (!old)
      return old.error();
    if (*what == kind::folder)
      return folder_into(from.path, to.path, *old);
    if (*old == kind::folder)
      return local_error(EISDIR, to.path);
    return file_into(from.path, to.path, *old == kind::nothing);
  }

  result<void> file_into(const std::string& from, const std::string& to, bool fresh) {
    const int fd = ::open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
      return local_error(errno, from);
    struct stat look = {};
    ::fstat(fd, &look);
    std::optional<std::uint64_t> size;
    // Files of /proc say 0; pipes have no size.
    if (S_ISREG(look.st_mode) && look.st_size > 0)
      size = static_cast<std::uint64_t>(look.st_size);
    std::optional<mode_t> mode;
    if (fresh && S_ISREG(look.st_mode))
      mode = look.st_mode;
    auto done = client::send_file(api_, fd, from, size, to, mode, how_far_);
    ::close(fd);
    return done;
  }

  result<void> folder_into(const std::string& from, const std::string& to, kind old) {
    if (old == kind::file)
      return error{errc::not_directory, to + " is a file, not a folder"};
    std::error_code unreadable;
    if (fs::is_empty(from, unreadable)) { // an archive without entries is refused
      auto made = api_.call("POST", "/v1/fs/mkdir?path=" + url::percent_encode(to));
      return made ? result<void>{} : made.error();
    }
    const auto target = old == kind::folder ? to : beside(to);
    auto real = fs::canonical(from).string();
    auto sent = client::send_folder(api_, real, target, how_far_, [this](const std::string& why) {
      ++left_out_;
      complain({errc::io, "left out: " + why});
    });
    if (old == kind::folder)
      return sent;
    if (sent) {
      auto moved = calm_.call("POST", "/v1/fs/move", {{"from", target}, {"to", to}});
      if (moved)
        return {};
      sent = moved.error();
    }
    (void)calm_.call("DELETE", "/v1/fs/entry?recursive=true&path=" + url::percent_encode(target));
    return sent;
  }

  // -- out of the sandbox

  /// As cp: what cannot be read is named and left out, and the end is not a good one.
  template <class Get>
  result<void> all_that_can_be_read(const Get& get) {
    result<void> got = get(false);
    if (got || !client::lacks_something(got.error()))
      return got;
    ++left_out_;
    const auto& why = got.error().detail;
    complain({errc::denied, "left out: " + why.substr(0, why.find(';'))});
    return get(true);
  }

  result<void> out_of(const place& from, place to) {
    auto what = there(from.path);
    if (!what)
      return what.error();
    if (*what == kind::nothing)
      return error{errc::not_found, from.path + ": no such file or folder"};
    const auto source = url::percent_encode(from.path);
    const auto file = "/v1/fs/file?path=" + source;
    const auto print = [this](const std::string& target) {
      return client::receive(
        api_, target,
        [](std::string_view bytes) { return client::write_all(STDOUT_FILENO, bytes, "stdout"); },
        how_far_);
    };
    if (to.stream && *what == kind::folder)
      return all_that_can_be_read(
        [&](bool skip) { return print(client::archive_route(from.path, skip)); });
    if (to.stream)
      return print(file);
    auto name = name_of(from.path);
    if (name == "." || name == "..")
      name.clear();
    auto old = settle(to, name, from.contents, [](const auto& p) { return here(p); });
    if (!old)
      return old.error();
    if (*what == kind::folder)
      return folder_out(from.path, to.path, *old);
    return file_out(from.path, file, to.path, *old == kind::nothing);
  }

  result<void> file_out(const std::string& from, const std::string& target, const std::string& to,
                        bool fresh) {
    std::optional<mode_t> mode;
    if (fresh) {
      auto look = api_.call("GET", "/v1/fs/stat?path=" + url::percent_encode(from));
      if (look)
        mode = static_cast<mode_t>(std::strtoul(look->value("mode", "0644").c_str(), nullptr, 8)
                                   & 0777u);
    }
    auto out = client::atomic_file::open(to, mode);
    if (!out)
      return out.error();
    auto done = client::receive(
      api_, target, [&out](std::string_view bytes) { return out->write(bytes); }, how_far_);
    return done ? out->commit() : done;
  }

  result<void> folder_out(const std::string& from, const std::string& to, kind old) {
    if (old == kind::file)
      return local_error(ENOTDIR, to);
    if (old == kind::folder)
      return all_that_can_be_read(
        [&](bool skip) { return client::receive_folder(api_, from, to, how_far_, skip); });
    const auto target = beside(to);
    if (::mkdir(target.c_str(), 0777) != 0)
      return local_error(errno, to);
    auto got = all_that_can_be_read(
      [&](bool skip) { return client::receive_folder(api_, from, target, how_far_, skip); });
    if (got && ::rename(target.c_str(), to.c_str()) == 0)
      return {};
    if (got)
      got = local_error(errno, to);
    std::error_code ignored;
    fs::remove_all(target, ignored);
    return got;
  }

  const client::api api_;
  const client::api calm_; ///< not hurried by signals: for what must be put in order
  progress how_far_;
  std::uint64_t left_out_ = 0;
};

} // namespace

int verb_cp(const command_line& line) {
  const auto from = read_place(line.sandbox.from);
  const auto to = read_place(line.sandbox.to);
  if (!from.sandbox && !to.sandbox)
    return complain({errc::usage, "one of the two must be in the sandbox, e.g. "
                                  "`holt cp report.pdf sbx:/workspace/`"});
  if (to.stream && line.json)
    return complain({errc::usage, "--json and - both want stdout"});
  auto client = daemon_client::find(line);
  if (!client)
    return complain(client.error());
  std::signal(SIGPIPE, SIG_IGN);
  const client::interrupts stop;
  std::optional<error> failed;
  bool whole = true;
  std::uint64_t bytes = 0;
  {
    copying one{*client, stop, line.sandbox.from};
    if (auto done = one.run(from, to); !done)
      failed = done.error();
    whole = one.whole();
    bytes = one.bytes();
  } // the line that shows how far it is goes away before anything is said
  if (stop.which() != 0)
    return 128 + stop.which();
  if (failed && failed->code == errc::io && failed->detail.rfind("stdout: ", 0) == 0)
    return 128 + SIGPIPE;
  if (failed)
    return complain(*failed);
  if (line.json)
    print_json(
      {{"from", line.sandbox.from}, {"to", line.sandbox.to}, {"bytes", bytes}, {"whole", whole}});
  return whole ? 0 : 1;
}

} // namespace holt

// SPDX-License-Identifier: Apache-2.0
#include "actors/recorder_active.hpp"

#include "files/path_jail.hpp"
#include "transport/log.hpp"
#include "transport/state_dir.hpp"

#include <boost/asio/post.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

namespace holt {

namespace {

error none_active() {
  return {errc::conflict, "no desktop recording is active"};
}

} // namespace

recorder::recorder(recorder_deps deps)
  : deps_{std::move(deps)}, strand_{deps_.blocking}, store_{deps_.folder} {}

result<void> recorder::ready_store() {
  if (open_)
    return {};
  auto opened = store_.open();
  open_ = opened.has_value();
  if (!open_)
    log::warn("recorder", "no_folder", {{"detail", opened.error().detail}});
  return opened;
}

void recorder::open() {
  on_strand([](recorder& self) { (void)self.ready_store(); });
}

recorder::document recorder::show(recording what) const {
  if (!now_ || now_->what.number != what.number)
    return to_document(what);
  if (now_->up)
    what.duration
      = std::chrono::duration_cast<std::chrono::milliseconds>(active::clock::now() - now_->begun);
  auto out = to_document(what);
  out["processId"] = now_->child.empty() ? "recorder/" + what.id() : now_->child;
  return out;
}

void recorder::start(recording_wish what, answer<document> done) {
  on_strand([what = std::move(what), done = std::move(done)](recorder& self) {
    const auto& limits = self.deps_.limits;
    if (auto opened = self.ready_store(); !opened)
      return done(opened.error());
    if (self.now_)
      return done(error{errc::conflict, "a desktop recording is already active"});
    if (!self.deps_.context)
      return done(error{errc::conflict, "this daemon runs without a desktop"});
    if (self.store_.size() >= limits.max_files)
      return done(error{errc::conflict, "recording.max_files (" + std::to_string(limits.max_files)
                                          + ") are kept already; delete some"});
    if (self.store_.total_bytes() + smallest_recording > limits.max_total_bytes)
      return done(error{errc::conflict, "recording.max_total_bytes ("
                                          + std::to_string(limits.max_total_bytes)
                                          + ") are kept already; delete some"});
    auto run = std::make_shared<active>(self.deps_.tools.io, what);
    run->started = done;
    self.now_ = run;
    self.deps_.tree->snapshot(
      [weak = self.weak_from_this(), run](result<supervision::tree_report> tree) {
        if (auto me = weak.lock())
          me->on_strand([run, tree = std::move(tree)](recorder& on) { on.begin(run, tree); });
      });
  });
}

void recorder::stop(answer<document> done) {
  on_strand([done = std::move(done)](recorder& self) {
    if (!self.now_)
      return done(none_active());
    self.now_->stoppers.push_back(done);
    self.stop_part(self.now_);
  });
}

void recorder::goodbye(std::function<void()> done) {
  on_strand([done = std::move(done)](recorder& self) {
    if (!self.now_)
      return done();
    self.now_->leavers.push_back(done);
    if (!self.now_->stopping)
      self.now_->stop_reason = "the daemon stopped";
    self.stop_part(self.now_);
  });
}

void recorder::list(answer<document> done) {
  on_strand([done = std::move(done)](recorder& self) {
    if (auto opened = self.ready_store(); !opened)
      return done(opened.error());
    auto all = document::array();
    for (auto& one : self.store_.list())
      all.push_back(self.show(std::move(one)));
    done({boost::system::in_place_value, document{{"recordings", std::move(all)}}});
  });
}

result<recording> recorder::kept(const std::string& id) {
  if (auto opened = ready_store(); !opened)
    return opened.error();
  return store_.find(id);
}

void recorder::find(std::string id, answer<document> done) {
  on_strand([id = std::move(id), done = std::move(done)](recorder& self) {
    auto found = self.kept(id);
    if (!found)
      return done(found.error());
    done({boost::system::in_place_value, self.show(std::move(*found))});
  });
}

void recorder::open_file(std::string id, answer<recording_file> done) {
  on_strand([id = std::move(id), done = std::move(done)](recorder& self) {
    auto found = self.kept(id);
    if (!found)
      return done(found.error());
    const auto path = self.store_.path_of(*found);
    auto fd
      = std::make_shared<files::unique_fd>(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    struct stat now {};
    if (!*fd || fstat(fd->get(), &now) != 0)
      return done(errno == ENOENT ? error{errc::not_found, "desktop_recording " + id}
                                  : file_error(errno, "cannot open", path));
    recording_file out;
    out.fd = fd->get();
    out.owner = std::move(fd);
    out.size = static_cast<std::uint64_t>(now.st_size);
    out.etag = "\"" + found->id() + "-" + std::to_string(now.st_size) + "-"
               + std::to_string(now.st_mtim.tv_sec) + "." + std::to_string(now.st_mtim.tv_nsec)
               + "\"";
    out.name = found->file_name();
    done(std::move(out));
  });
}

void recorder::remove(std::string id, std::string who, answer<void> done) {
  on_strand([id = std::move(id), who = std::move(who), done = std::move(done)](recorder& self) {
    if (auto opened = self.ready_store(); !opened)
      return done(opened.error());
    if (self.now_ && self.now_->what.number != 0 && self.now_->what.id() == id)
      return done(error{errc::conflict, "stop the active desktop recording before deleting it"});
    auto gone = self.store_.remove(id);
    if (gone)
      self.deps_.activity.send(
        activity_append{"recording", {{"id", id}, {"phase", "removed"}, {"name", who}}});
    done(std::move(gone));
  });
}

} // namespace holt

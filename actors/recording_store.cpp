// SPDX-License-Identifier: Apache-2.0
#include "actors/recording_store.hpp"

#include "files/mp4_fragments.hpp"
#include "messages/time_text.hpp"
#include "transport/state_dir.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>

namespace holt {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::system_clock;

constexpr std::string_view prefix = "rec_";
constexpr std::uintmax_t max_document = 64 * 1024;
constexpr const char* part_at = "partAtMs";     ///< where the part on disk belongs
constexpr const char* join_from = "joinedFrom"; ///< bytes of the whole before it is joined

const char* word(recording_status status) {
  switch (status) {
  case recording_status::running: return "recording";
  case recording_status::completed: return "completed";
  case recording_status::failed: break;
  }
  return "failed";
}

std::int64_t ms_of(system_clock::time_point when) {
  return std::chrono::duration_cast<milliseconds>(when.time_since_epoch()).count();
}

system_clock::time_point from_ms(std::int64_t ms) {
  return system_clock::time_point{milliseconds{ms}};
}

/// The number of `rec_N`, without signs or leading zeros.
std::optional<std::uint64_t> number_of(std::string_view id) {
  if (!id.starts_with(prefix))
    return std::nullopt;
  id.remove_prefix(prefix.size());
  std::uint64_t number = 0;
  const auto [end, ec] = std::from_chars(id.data(), id.data() + id.size(), number);
  const bool whole = ec == std::errc{} && end == id.data() + id.size() && id.front() != '0';
  return whole ? std::optional{number} : std::nullopt;
}

/// Our own document: what is not as we wrote it counts as missing.
template <class T>
T read_field(const json& from, const char* name, T fallback) {
  auto at = from.find(name);
  if (at == from.end())
    return fallback;
  if constexpr (std::is_same_v<T, bool>) {
    return at->is_boolean() ? at->template get<bool>() : fallback;
  } else if constexpr (std::is_integral_v<T>) {
    return at->is_number_integer() ? at->template get<T>() : fallback;
  } else {
    return at->is_string() ? at->template get<T>() : fallback;
  }
}

json stored(const recording& what) {
  json out{{"status", word(what.status)}, {"fps", what.fps},
           {"width", what.width},         {"height", what.height},
           {"sound", what.sound},         {"startedMs", ms_of(what.started)}};
  if (what.status != recording_status::running) {
    out["endedMs"] = ms_of(what.ended);
    out["durationMs"] = what.duration.count();
  }
  if (!what.reason.empty())
    out["reason"] = what.reason;
  if (!what.last_lines.empty())
    out["lastLines"] = what.last_lines;
  return out;
}

/// A running one that was found so was not ended by us.
recording restored(std::uint64_t number, const json& from) {
  recording out;
  out.number = number;
  const auto status = read_field<std::string>(from, "status", "recording");
  out.status = status == "completed" ? recording_status::completed
               : status == "failed"  ? recording_status::failed
                                     : recording_status::running;
  out.fps = read_field<unsigned>(from, "fps", 0);
  out.width = read_field<unsigned>(from, "width", 0);
  out.height = read_field<unsigned>(from, "height", 0);
  out.sound = read_field<bool>(from, "sound", false);
  out.started = from_ms(read_field<std::int64_t>(from, "startedMs", 0));
  out.ended = from_ms(read_field<std::int64_t>(from, "endedMs", 0));
  out.duration = milliseconds{read_field<std::int64_t>(from, "durationMs", 0)};
  out.reason = read_field<std::string>(from, "reason", "");
  if (auto lines = from.find("lastLines"); lines != from.end() && lines->is_array())
    for (const auto& line : *lines)
      if (line.is_string())
        out.last_lines.push_back(line.get<std::string>());
  return out;
}

json read_json(const std::string& path) {
  std::error_code ec;
  if (fs::file_size(path, ec) > max_document || ec)
    return json::object();
  std::ifstream in{path, std::ios::binary};
  auto out = json::parse(in, nullptr, false);
  return out.is_object() ? out : json::object();
}

std::optional<struct stat> look_at(const std::string& path) {
  struct stat now {};
  if (lstat(path.c_str(), &now) != 0 || !S_ISREG(now.st_mode))
    return std::nullopt;
  return now;
}

} // namespace

json to_document(const recording& what) {
  json out{{"id", what.id()},
           {"status", word(what.status)},
           {"fileName", what.file_name()},
           {"bytes", what.bytes},
           {"startedAt", to_rfc3339(what.started)},
           {"fps", what.fps},
           {"width", what.width},
           {"height", what.height},
           {"sound", what.sound}};
  if (what.status != recording_status::running)
    out["endedAt"] = to_rfc3339(what.ended);
  out["durationMs"] = what.duration.count();
  if (!what.reason.empty())
    out["reason"] = what.reason;
  if (!what.last_lines.empty())
    out["lastLines"] = what.last_lines;
  return out;
}

result<void> recording_store::open() {
  if (mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST)
    return file_error(errno, "cannot make the folder", folder_);
  std::error_code ec;
  std::string last;
  std::ifstream{folder_ + "/last"} >> last;
  last_ = number_of(std::string{prefix} + last).value_or(0);
  for (fs::directory_iterator at{folder_, ec}, end; !ec && at != end; at.increment(ec))
    read_document(at->path().filename().string());
  if (ec)
    return file_error(ec.value(), "cannot read the folder", folder_);
  for (auto& [number, one] : all_)
    if (one.status == recording_status::running)
      settle(one);
  return {};
}

/// Either of the two files makes it known.
void recording_store::read_document(const std::string& name) {
  const auto dot = name.find('.');
  const auto number = number_of(std::string_view{name}.substr(0, dot));
  if (!number || dot == std::string::npos)
    return;
  last_ = std::max(last_, *number);
  const auto ending = std::string_view{name}.substr(dot);
  if (all_.contains(*number) || (ending != ".mp4" && ending != ".json"))
    return;
  recording key;
  key.number = *number;
  all_.emplace(*number, restored(*number, read_json(document_path(key))));
}

/// The daemon, or the machine, ended while it ran: what is there is kept.
void recording_store::settle(recording& what) {
  const auto kept = read_json(document_path(what));
  if (look_at(part_path(what))) {
    const auto before = read_field<std::int64_t>(kept, join_from, -1);
    const auto path = path_of(what);
    if (before >= 0 && look_at(path) && truncate(path.c_str(), before) != 0)
      return; // stays as it is; the next start tries again
    (void)files::join_fragments(path, part_path(what),
                                milliseconds{read_field<std::int64_t>(kept, part_at, 0)});
    unlink(part_path(what).c_str());
  }
  const auto file = look_at(path_of(what));
  if (file)
    what.ended = system_clock::from_time_t(file->st_mtime);
  if (ms_of(what.started) == 0)
    what.started = what.ended;
  what.ended = std::max(what.ended, what.started);
  what.duration = std::chrono::duration_cast<milliseconds>(what.ended - what.started);
  what.status = recording_status::failed;
  what.reason = "the daemon ended while it was recorded";
  (void)finish(what);
  (void)save(what);
}

std::string recording_store::document_path(const recording& what) const {
  return folder_ + "/" + what.id() + ".json";
}

std::string recording_store::part_path(const recording& what) const {
  return folder_ + "/" + what.id() + ".part.mp4";
}

result<void> recording_store::make_file(const std::string& path) const {
  auto fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return file_error(errno, "cannot make", path);
  ::close(fd);
  return {};
}

result<recording> recording_store::create(recording like) {
  like.number = last_ + 1;
  // First the number: whatever goes wrong after it, nobody gets it again.
  if (auto kept = write_file_atomically(folder_ + "/last", std::to_string(like.number)); !kept)
    return kept.error();
  last_ = like.number;
  if (auto made = make_file(path_of(like)); !made)
    return made.error();
  all_.insert_or_assign(like.number, like);
  if (auto saved = save(like); !saved) {
    forget(like);
    return saved.error();
  }
  return like;
}

result<void> recording_store::save(const recording& what) {
  all_.insert_or_assign(what.number, what);
  return write_file_atomically(document_path(what), stored(what).dump());
}

result<recording_part> recording_store::begin_part(const recording& what, milliseconds at) {
  recording_part out{part_path(what), at};
  unlink(out.path.c_str());
  auto document = stored(what);
  document[part_at] = at.count();
  if (auto saved = write_file_atomically(document_path(what), document.dump()); !saved)
    return saved.error();
  if (auto made = make_file(out.path); !made)
    return made.error();
  return out;
}

result<void> recording_store::join_part(const recording& what, const recording_part& part) {
  const auto path = path_of(what);
  const auto whole = files::cut_to_whole(path);
  if (!whole)
    return whole.error();
  auto document = stored(what);
  document[part_at] = part.at.count();
  document[join_from] = whole->whole_end;
  if (auto saved = write_file_atomically(document_path(what), document.dump()); !saved)
    return saved.error();
  auto joined = files::join_fragments(path, part.path, part.at);
  if (!joined) {
    (void)truncate(path.c_str(), static_cast<off_t>(whole->whole_end));
    return joined;
  }
  unlink(part.path.c_str());
  return save(what);
}

result<void> recording_store::finish(recording& what) {
  auto whole = files::cut_to_whole(path_of(what));
  what.bytes = whole ? whole->whole_end : 0;
  if (!whole || whole->fragments == 0) {
    what.status = recording_status::failed;
    if (what.reason.empty())
      what.reason = whole ? "nothing was recorded" : whole.error().detail;
  }
  if (auto fd = ::open(path_of(what).c_str(), O_RDONLY | O_CLOEXEC); fd >= 0) {
    (void)fdatasync(fd);
    ::close(fd);
  }
  all_.insert_or_assign(what.number, what);
  return whole ? result<void>{} : result<void>{whole.error()};
}

result<void> recording_store::remove(const std::string& id) {
  auto found = find(id);
  if (!found)
    return found.error();
  // The video first: a document without one is still listed, and can be removed again.
  for (const auto& path : {path_of(*found), part_path(*found), document_path(*found)})
    if (unlink(path.c_str()) != 0 && errno != ENOENT)
      return file_error(errno, "cannot remove", path);
  all_.erase(found->number);
  return {};
}

void recording_store::forget(const recording& what) {
  (void)remove(what.id());
}

std::uint64_t recording_store::bytes_of(const recording& what) const {
  const auto file = look_at(path_of(what));
  const auto part
    = what.status == recording_status::running ? look_at(part_path(what)) : std::nullopt;
  return (file ? static_cast<std::uint64_t>(file->st_size) : 0)
         + (part ? static_cast<std::uint64_t>(part->st_size) : 0);
}

std::vector<recording> recording_store::list() const {
  std::vector<recording> out;
  out.reserve(all_.size());
  for (const auto& [number, one] : all_) {
    out.push_back(one);
    out.back().bytes = bytes_of(one);
  }
  return out;
}

result<recording> recording_store::find(std::string_view id) const {
  const auto number = number_of(id);
  const auto at = number ? all_.find(*number) : all_.end();
  if (at == all_.end())
    return error{errc::not_found, "desktop_recording " + std::string{id}};
  auto out = at->second;
  out.bytes = bytes_of(out);
  return out;
}

std::uint64_t recording_store::total_bytes() const {
  std::uint64_t sum = 0;
  for (const auto& [number, one] : all_)
    sum += bytes_of(one);
  return sum;
}

} // namespace holt

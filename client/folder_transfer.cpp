// SPDX-License-Identifier: Apache-2.0

// Folders as tar streams, by libarchive.

#include "client/atomic_file.hpp"
#include "client/transfer.hpp"
#include "transport/archive_owner.hpp"
#include "transport/url.hpp"

#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace holt::client {

namespace {

using namespace std::chrono_literals;

error archive_error(archive* what) {
  const auto* text = archive_error_string(what);
  return {errc::io, std::string{"archive: "} + (text != nullptr ? text : "unreadable")};
}

// -- to the sandbox

/// Where libarchive's bytes go.
struct body {
  exchange* to;
  progress* how_far;
  std::optional<error> failed;
  bool refused = false;

  static la_ssize_t took(archive*, void* self, const void* bytes, std::size_t size) {
    auto& b = *static_cast<body*>(self);
    auto sent = b.to->write({static_cast<const char*>(bytes), size});
    if (!sent)
      b.failed = sent.error();
    else if (!*sent)
      b.refused = true;
    if (b.failed || b.refused)
      return -1;
    b.how_far->add(size);
    return static_cast<la_ssize_t>(size);
  }
};

class packing {
public:
  packing(std::string folder, body& out, const std::function<void(const std::string&)>& left_out)
    : folder_{std::move(folder)}, out_{out}, left_out_{left_out} {}

  /// An error of this machine; what happened to the body stands there.
  result<void> run() {
    const utf8_names names;
    archive_write_set_format_pax_restricted(tar_.get());
    archive_write_set_bytes_per_block(tar_.get(), 64 * 1024);
    archive_write_set_bytes_in_last_block(tar_.get(), 1);
    if (archive_write_open(tar_.get(), &out_, nullptr, &body::took, nullptr) != ARCHIVE_OK)
      return archive_error(tar_.get());
    archive_read_disk_set_symlink_physical(disk_.get());
    archive_read_disk_set_behavior(disk_.get(), ARCHIVE_READDISK_NO_XATTR | ARCHIVE_READDISK_NO_ACL
                                                  | ARCHIVE_READDISK_NO_FFLAGS);
    if (archive_read_disk_open(disk_.get(), folder_.c_str()) != ARCHIVE_OK)
      return archive_error(disk_.get());
    while (true) {
      entry_ptr entry{archive_entry_new()};
      const int got = archive_read_next_header2(disk_.get(), entry.get());
      if (got == ARCHIVE_EOF)
        break;
      if (got < ARCHIVE_WARN) {
        const auto* text = archive_error_string(disk_.get());
        left_out_(text != nullptr ? text : folder_);
        if (got == ARCHIVE_FATAL)
          return archive_error(disk_.get());
        continue;
      }
      archive_read_disk_descend(disk_.get());
      if (auto added = add(entry.get()); !added)
        return added;
    }
    if (archive_write_close(tar_.get()) != ARCHIVE_OK && !stopped())
      return archive_error(tar_.get());
    return {};
  }

private:
  bool stopped() const { return out_.failed || out_.refused; }

  result<void> add(archive_entry* entry) {
    const std::string path = archive_entry_sourcepath(entry);
    const auto type = archive_entry_filetype(entry);
    if (path.size() <= folder_.size() + 1)
      return {}; // the folder itself
    if (type != AE_IFREG && type != AE_IFDIR && type != AE_IFLNK) {
      left_out_(path + ": neither file, folder nor link");
      return {};
    }
    int fd = -1;
    if (type == AE_IFREG) {
      fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
      if (fd < 0) {
        left_out_(path + ": " + std::strerror(errno));
        return {};
      }
    }
    archive_entry_set_pathname(entry, path.c_str() + folder_.size() + 1);
    archive_entry_set_hardlink(entry, nullptr);
    auto done = write(entry, fd, path);
    if (fd >= 0)
      ::close(fd);
    return done;
  }

  result<void> write(archive_entry* entry, int fd, const std::string& path) {
    if (archive_write_header(tar_.get(), entry) < ARCHIVE_WARN)
      return stopped() ? error{errc::io, "broken off"} : archive_error(tar_.get());
    auto left = fd >= 0 ? archive_entry_size(entry) : 0;
    while (left > 0) {
      const auto want = std::min<la_int64_t>(left, static_cast<la_int64_t>(buffer_.size()));
      const auto got = ::read(fd, buffer_.data(), static_cast<std::size_t>(want));
      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        return local_error(errno, path);
      if (got == 0)
        return error{errc::io, path + ": became shorter while it was read"};
      if (archive_write_data(tar_.get(), buffer_.data(), static_cast<std::size_t>(got)) < 0)
        return stopped() ? error{errc::io, "broken off"} : archive_error(tar_.get());
      left -= got;
    }
    return {};
  }

  const std::string folder_; ///< without a slash at its end, but for the root
  body& out_;
  const std::function<void(const std::string&)>& left_out_;
  std::string buffer_ = std::string(transfer_piece, '\0');
  archive_ptr disk_{archive_read_disk_new()};
  archive_ptr tar_{archive_write_new()};
};

// -- from the sandbox

struct download {
  exchange* from;
  progress* how_far;
  std::string buffer;
  std::optional<error> failed;

  static la_ssize_t read(archive*, void* self, const void** bytes) {
    auto& d = *static_cast<download*>(self);
    auto got = d.from->read(d.buffer.data(), d.buffer.size(), 120s);
    if (!got) {
      d.failed = got.error();
      return -1;
    }
    d.how_far->add(*got);
    *bytes = d.buffer.data();
    return static_cast<la_ssize_t>(*got);
  }
};

result<void> unpack(archive* from) {
  archive_ptr disk{archive_write_disk_new()};
  archive_write_disk_set_options(
    disk.get(), ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_SECURE_SYMLINKS
                  | ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS
                  | ARCHIVE_EXTRACT_SAFE_WRITES);
  while (true) {
    archive_entry* entry = nullptr;
    const int got = archive_read_next_header(from, &entry);
    if (got == ARCHIVE_EOF)
      break;
    if (got < ARCHIVE_WARN)
      return archive_error(from);
    if (archive_write_header(disk.get(), entry) < ARCHIVE_WARN)
      return archive_error(disk.get());
    const void* bytes = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    while (true) {
      const int read = archive_read_data_block(from, &bytes, &size, &offset);
      if (read == ARCHIVE_EOF)
        break;
      if (read < ARCHIVE_WARN)
        return archive_error(from);
      if (archive_write_data_block(disk.get(), bytes, size, offset) < ARCHIVE_WARN)
        return archive_error(disk.get());
    }
    if (archive_write_finish_entry(disk.get()) < ARCHIVE_WARN)
      return archive_error(disk.get());
  }
  if (archive_write_close(disk.get()) < ARCHIVE_WARN)
    return archive_error(disk.get());
  return {};
}

} // namespace

result<void> send_folder(const api& to, const std::string& folder, const std::string& path,
                         progress& how_far,
                         const std::function<void(const std::string&)>& left_out) {
  auto one = exchange::open(to.to(), to.wake_fd());
  if (!one)
    return one.error();
  outgoing what;
  what.method = "POST";
  what.target = "/v1/fs/archive?path=" + url::percent_encode(path);
  what.headers.push_back({"Content-Type", "application/x-tar"});
  what.streamed = true;
  if (auto sent = (*one)->begin(what); !sent)
    return sent.error();
  body out{one->get(), &how_far, {}, false};
  auto packed = packing{folder, out, left_out}.run();
  if (out.failed)
    return *out.failed;
  if (!packed && !out.refused)
    return packed; // the connection is dropped in the middle: nothing is unpacked
  if (!out.refused)
    if (auto ended = (*one)->end(); !ended)
      return ended.error();
  auto answer = json_answer(**one, 3600s); // unpacking takes its time
  if (!answer)
    return answer.error();
  return {};
}

std::string archive_route(const std::string& path, bool skip_unreadable) {
  return "/v1/fs/archive?format=tar&path=" + url::percent_encode(path)
         + (skip_unreadable ? "&skipUnreadable=true" : "");
}

bool lacks_something(const error& why) {
  return why.code == errc::denied && why.detail.find("skipUnreadable") != std::string::npos;
}

result<void> receive_folder(const api& from, const std::string& path, const std::string& folder,
                            progress& how_far, bool skip_unreadable) {
  const utf8_names names;
  outgoing what;
  what.target = archive_route(path, skip_unreadable);
  http::response head;
  auto one = from.open(what, head);
  if (!one)
    return one.error();
  // Names in the archive are relative, and stay below where we stand.
  const int before = ::open(".", O_PATH | O_CLOEXEC | O_DIRECTORY);
  if (::chdir(folder.c_str()) != 0) {
    const int number = errno;
    if (before >= 0)
      ::close(before);
    return local_error(number, folder);
  }
  download in{one->get(), &how_far, std::string(transfer_piece, '\0'), {}};
  archive_ptr tar{archive_read_new()};
  archive_read_support_format_tar(tar.get());
  archive_read_support_format_empty(tar.get());
  auto done = archive_read_open(tar.get(), &in, nullptr, &download::read, nullptr) == ARCHIVE_OK
                ? unpack(tar.get())
                : result<void>{archive_error(tar.get())};
  if (before >= 0) {
    [[maybe_unused]] const int back = ::fchdir(before);
    ::close(before);
  }
  if (in.failed)
    return *in.failed;
  if (!done)
    return done;
  // What follows the archive's end must end well, too: else it was cut.
  char rest[4096];
  while (true) {
    auto got = (*one)->read(rest, sizeof rest, 120s);
    if (!got)
      return got.error();
    if (*got == 0)
      return {};
  }
}

} // namespace holt::client

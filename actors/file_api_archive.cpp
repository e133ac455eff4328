// SPDX-License-Identifier: Apache-2.0

// Archives in and out. What comes in is kept in a file without a name until it is whole, looked
// through, and only then unpacked; what goes out is made while it is sent.

#include "actors/file_api_fields.hpp"
#include "files/archive.hpp"

#include <boost/asio/post.hpp>

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace holt {

namespace {

using files::archive_format;

constexpr std::string_view tar_type = "application/x-tar";
constexpr std::string_view zst_types[]
  = {"application/zstd", "application/x-tar+zstd", "application/x-zstd"};

std::optional<archive_format> format_of(const http::request& what) {
  auto type = what.header_value("content-type");
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' '))
    type.remove_suffix(1);
  if (type == tar_type)
    return archive_format::tar;
  for (auto one : zst_types)
    if (type == one)
      return archive_format::tar_zst;
  return std::nullopt;
}

class spool_sink final : public http::body_sink, public std::enable_shared_from_this<spool_sink> {
public:
  spool_sink(file_api_ptr api, http::request head) : api_{std::move(api)}, head_{std::move(head)} {}
  ~spool_sink() override {
    if (file_) // a large file takes a while to go
      boost::asio::post(api_->blocking,
                        [gone = std::make_shared<files::unique_fd>(std::move(file_))] {});
  }

  void open(done then) override {
    boost::asio::post(api_->blocking,
                      [self = shared_from_this(), then = std::move(then)] { then(self->begin()); });
  }

  void write(std::string_view piece, done then) override {
    boost::asio::post(api_->blocking,
                      [self = shared_from_this(), piece, then = std::move(then)]() mutable {
                        then(self->append(piece));
                      });
  }

  int fd() const noexcept { return file_.get(); }
  archive_format format() const noexcept { return format_; }

private:
  std::optional<http::response> begin() {
    query_reader query{head_};
    auto path = query.text("path");
    if (query.wrong())
      return query.why();
    auto format = format_of(head_);
    if (!format)
      return http::problem(
        {errc::unsupported_type, "content-type must be application/x-tar or application/zstd"});
    format_ = *format;
    if (auto where = api_->files.jail->locate(path); !where)
      return http::problem(where.error());
    const auto& folder = api_->files.upload_dir;
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
      return http::problem(files::from_errno(errno, "spool"));
    file_ = files::unique_fd{::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
    if (!file_)
      return http::problem(files::from_errno(errno, "spool"));
    return std::nullopt;
  }

  std::optional<http::response> append(std::string_view piece) {
    while (!piece.empty()) {
      const auto got = ::write(file_.get(), piece.data(), piece.size());
      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        return http::problem(files::from_errno(errno, "spool"));
      piece.remove_prefix(static_cast<std::size_t>(got));
    }
    return std::nullopt;
  }

  file_api_ptr api_;
  http::request head_;
  archive_format format_ = archive_format::tar;
  files::unique_fd file_;
};

/// Each piece is made on the pool when the connection asks for it.
class pack_source final : public http::body_source {
public:
  pack_source(file_api_ptr api, std::shared_ptr<files::packer> from)
    : api_{std::move(api)}, from_{std::move(from)} {}
  void next(done then) override {
    boost::asio::post(api_->blocking, [from = from_, then = std::move(then)] {
      try {
        then(from->next());
      } catch (const std::exception& why) {
        then(error{errc::internal, files::printable(why.what())});
      }
    });
  }

private:
  file_api_ptr api_;
  std::shared_ptr<files::packer> from_;
};

} // namespace

std::shared_ptr<http::body_sink> file_spool_sink(const file_api_ptr& api,
                                                 const http::request& head) {
  return std::make_shared<spool_sink>(api, head);
}

http::streaming_response file_unpack(const file_api_ptr& api, const file_request& what) {
  auto sink = std::dynamic_pointer_cast<spool_sink>(what.sink);
  if (!sink)
    return http::problem({errc::internal, "the body went nowhere"});
  query_reader query{what};
  auto path = query.text("path");
  if (query.wrong())
    return query.why();
  files::unpack_options how;
  how.format = sink->format();
  auto got = files::unpack(api->files, sink->fd(), path, how);
  if (!got)
    return http::problem(got.error());
  auto paths = nlohmann::json::array();
  for (const auto& one : got->paths)
    paths.push_back(files::printable(one));
  return http::json_response(200, {{"paths", std::move(paths)},
                                   {"truncated", got->truncated},
                                   {"entries", got->entries},
                                   {"bytes", got->bytes}});
}

namespace {

/// Before the first byte: a header says it to every client, a trailer to hardly any, and nobody
/// looks for what is not in an archive.
http::response lacks(const files::unreadable& what) {
  std::string names;
  auto paths = nlohmann::json::array();
  for (const auto& one : what.paths) {
    names += (names.empty() ? "" : ", ") + files::printable(one);
    paths.push_back(files::printable(one));
  }
  if (what.count > what.paths.size())
    names += " and " + std::to_string(what.count - what.paths.size()) + " more";
  return http::problem(
    {errc::denied, "cannot be read: " + names + "; skipUnreadable=true leaves that out"},
    {{"details", {{"unreadable", std::move(paths)}, {"count", what.count}}}});
}

} // namespace

http::streaming_response file_pack(const file_api_ptr& api, const file_request& what) {
  query_reader query{what};
  query.only({"path", "format", "skipUnreadable"});
  auto path = query.text("path");
  auto format = query.optional_text("format").value_or("tar");
  const bool skip = query.flag("skipUnreadable", false);
  if (query.wrong())
    return query.why();
  if (format != "tar" && format != "tar.zst")
    return http::problem({errc::invalid_request, "format must be tar or tar.zst"},
                         {{"field", "format"}});
  const bool zst = format == "tar.zst";
  auto lacking = files::find_unreadable(api->files, path);
  if (!lacking)
    return http::problem(lacking.error());
  if (lacking->count > 0 && !skip)
    return lacks(*lacking);
  auto packer = files::packer::open(
    api->files, path, zst ? archive_format::tar_zst : archive_format::tar, lacking->count);
  if (!packer)
    return http::problem(packer.error());
  http::streaming_response out;
  out.headers.push_back({"Content-Type", std::string{zst ? zst_types[0] : tar_type}});
  out.headers.push_back({"Content-Disposition", "attachment"});
  if (skip)
    out.headers.push_back({"Holt-Skipped", std::to_string(lacking->count)});
  out.stream = std::make_shared<pack_source>(api, std::shared_ptr{std::move(*packer)});
  return out;
}

} // namespace holt

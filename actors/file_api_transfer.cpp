// SPDX-License-Identifier: Apache-2.0

// GET and PUT of whole files. What is small is read at once; what is large goes from the file to
// the socket and from the socket to the file without being held in memory.

#include "actors/file_api_fields.hpp"
#include "files/transfer.hpp"
#include "transport/conditional.hpp"

#include <boost/asio/post.hpp>

namespace holt {

namespace {

using nlohmann::json;

constexpr std::uint64_t read_at_once = 256 * 1024; ///< bytes; more is sent from the file

/// 412 for a precondition, else what the error says.
http::response refusal(const error& why) {
  if (why.code != errc::conflict)
    return http::problem(why);
  auto out = http::problem(why, {{"status", 412}});
  out.status = 412;
  return out;
}

/// One PUT: its calls come one after another, each does its work on the pool.
class put_sink final : public http::body_sink, public std::enable_shared_from_this<put_sink> {
public:
  put_sink(file_api_ptr api, http::request head) : api_{std::move(api)}, head_{std::move(head)} {}

  /// A large temporary file takes a while to remove.
  ~put_sink() override {
    if (upload_)
      boost::asio::post(api_->blocking, [gone = std::move(upload_)] {});
  }

  void open(done then) override {
    boost::asio::post(api_->blocking,
                      [self = shared_from_this(), then = std::move(then)] { then(self->begin()); });
  }

  void write(std::string_view piece, done then) override {
    boost::asio::post(api_->blocking, [self = shared_from_this(), piece, then = std::move(then)] {
      auto wrote = self->upload_->write(piece);
      then(wrote ? std::nullopt : std::optional{refusal(wrote.error())});
    });
  }

  /// On the pool.
  http::response commit() {
    auto made = upload_->commit();
    upload_.reset();
    if (!made)
      return refusal(made.error());
    auto out = http::json_response(200, {{"path", files::printable(made->shown)},
                                         {"bytesWritten", made->bytes},
                                         {"created", made->created}});
    out.headers.push_back({"ETag", made->etag});
    return out;
  }

private:
  std::optional<http::response> begin() {
    query_reader query{head_};
    auto path = query.text("path");
    files::upload_options how;
    how.mode = query.mode("mode");
    if (query.wrong())
      return query.why();
    how.if_match = head_.header_value("If-Match");
    how.holds = [](std::string_view list, std::string_view etag) {
      return http::etag_listed(list, etag, false);
    };
    const auto unless = head_.header_value("If-None-Match");
    how.fresh = unless == "*";
    if (!unless.empty() && !how.fresh)
      return http::problem({errc::invalid_request, "If-None-Match of a PUT must be *"},
                           {{"field", "If-None-Match"}});
    auto begun = files::upload::begin(api_->files, path, std::move(how));
    if (!begun)
      return refusal(begun.error());
    upload_ = std::move(*begun);
    return std::nullopt;
  }

  file_api_ptr api_;
  http::request head_;
  std::unique_ptr<files::upload> upload_;
};

/// Until the end, not the size: files in /proc say 0.
result<std::string> read_small(const file_api_ptr& api, const files::download& from) {
  return files::read_whole(api->files, *from.file, from.shown, 16 * read_at_once);
}

} // namespace

http::streaming_response file_get(const file_api_ptr& api, const file_request& what) {
  query_reader query{what};
  auto path = query.text("path");
  if (query.wrong())
    return query.why();
  auto found = files::open_download(api->files, path);
  if (!found)
    return http::problem(found.error());
  auto size = found->file->look.size;
  std::string text;
  const bool small = size <= read_at_once && what.method != "HEAD";
  if (small) {
    auto read = read_small(api, *found);
    if (!read)
      return http::problem(read.error());
    text = std::move(*read);
    size = text.size();
  }
  http::byte_range picked;
  http::streaming_response out = http::file_response(what, found->etag, size, picked);
  if (out.status >= 300)
    return out;
  out.headers.push_back({"Content-Type", "application/octet-stream"});
  out.headers.push_back({"Content-Disposition", "attachment"});
  if (small) {
    if (picked.part)
      text = text.substr(static_cast<std::size_t>(picked.first),
                         static_cast<std::size_t>(picked.length));
    out.body = std::make_shared<const std::string>(std::move(text));
    return out;
  }
  out.file.emplace();
  out.file->fd = found->file->fd.get();
  out.file->owner = found->file;
  out.file->offset = picked.first;
  out.file->length = picked.length;
  out.file->blocking = api->blocking;
  return out;
}

http::streaming_response file_put(const file_api_ptr&, const file_request& what) {
  auto sink = std::dynamic_pointer_cast<put_sink>(what.sink);
  if (!sink)
    return http::problem({errc::internal, "the body went nowhere"});
  return sink->commit();
}

std::shared_ptr<http::body_sink> file_put_sink(const file_api_ptr& api, const http::request& head) {
  return std::make_shared<put_sink>(api, head);
}

} // namespace holt

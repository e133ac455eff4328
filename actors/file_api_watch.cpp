// SPDX-License-Identifier: Apache-2.0

// GET /v1/fs/watch: changes below a folder as server-sent events. `ready` comes first: whatever
// changes after it is told. A reader that falls behind is told so (`overflow`), and costs nothing.

#include "actors/file_api_fields.hpp"
#include "actors/file_changes.hpp"
#include "transport/json_guard.hpp"

#include <boost/asio/steady_timer.hpp>

#include <mutex>

namespace holt {

namespace {

using namespace std::chrono_literals;

constexpr auto keep_alive = 15s;             ///< so that proxies and we see who is gone
constexpr std::size_t most_waiting = 10'000; ///< changes

/// Between the hub's thread, which fills it, and the connection, which asks.
class watch_feed : public std::enable_shared_from_this<watch_feed> {
public:
  explicit watch_feed(const boost::asio::any_io_executor& where) : timer_{where} {}

  /// Before the first `ask`; changes may have come already.
  void ready(const std::string& shown) {
    std::lock_guard lock{mutex_};
    auto first = "event: ready\ndata: " + http::dump_safe({{"path", files::printable(shown)}});
    text_ = first + "\n\n" + text_;
    top_ = shown;
  }

  void add(const std::vector<files::file_change>& changes) {
    std::unique_lock lock{mutex_};
    for (const auto& one : changes) {
      if (waiting_changes_ >= most_waiting) {
        text_.clear();
        waiting_changes_ = 0;
        append({files::change_kind::overflow, top_, {}, true});
      }
      append(one);
      ended_ = ended_ || one.kind == files::change_kind::gone;
    }
    hand_out(lock);
  }

  void ask(http::body_source::done then) {
    std::unique_lock lock{mutex_};
    then_ = std::move(then);
    if (!text_.empty() || ended_)
      return hand_out(lock);
    timer_.expires_after(keep_alive);
    timer_.async_wait([weak = weak_from_this()](boost::system::error_code ec) {
      if (auto self = weak.lock(); self && !ec)
        self->still_here();
    });
  }

  /// The connection is gone.
  void drop() {
    http::body_source::done gone;
    std::lock_guard lock{mutex_};
    gone.swap(then_); // destroyed after the lock: it holds the connection
    timer_.cancel();
  }

private:
  void append(const files::file_change& one) {
    text_ += "event: change\nid: " + std::to_string(++last_) + "\ndata: ";
    text_ += http::dump_safe(change_document(one)) + "\n\n";
    ++waiting_changes_;
  }

  void still_here() {
    std::unique_lock lock{mutex_};
    if (then_ && text_.empty() && timer_.expiry() <= std::chrono::steady_clock::now())
      text_ = ": still here\n\n";
    hand_out(lock);
  }

  void hand_out(std::unique_lock<std::mutex>& lock) {
    if (!then_ || (text_.empty() && !ended_))
      return;
    auto then = std::exchange(then_, nullptr);
    auto text = std::exchange(text_, {});
    waiting_changes_ = 0;
    lock.unlock();
    then(std::move(text)); // empty: the end
  }

  std::mutex mutex_;
  std::string text_;
  std::string top_;
  std::size_t waiting_changes_ = 0;
  std::uint64_t last_ = 0;
  bool ended_ = false;
  http::body_source::done then_;
  boost::asio::steady_timer timer_;
};

class watch_source final : public http::body_source {
public:
  watch_source(std::shared_ptr<watch_feed> feed, std::unique_ptr<files::watch_hub::handle> handle)
    : feed_{std::move(feed)}, handle_{std::move(handle)} {}
  ~watch_source() override { feed_->drop(); }
  void next(done then) override { feed_->ask(std::move(then)); }
  bool endless() const noexcept override { return true; }

private:
  std::shared_ptr<watch_feed> feed_;
  std::unique_ptr<files::watch_hub::handle> handle_;
};

} // namespace

nlohmann::json change_document(const files::file_change& what) {
  nlohmann::json out{{"kind", to_string(what.kind)},
                     {"path", files::printable(what.path)},
                     {"entryType", what.directory ? "directory" : "file"}};
  if (!what.from.empty())
    out["from"] = files::printable(what.from);
  return out;
}

http::streaming_response file_watch(const file_api_ptr& api, const file_request& what) {
  query_reader query{what};
  query.only({"path", "recursive", "exclude"});
  auto path = query.text("path");
  files::watch_options how;
  how.recursive = query.flag("recursive", false);
  if (query.wrong())
    return query.why();
  if (query.optional_text("exclude")) {
    how.exclude.clear(); // one name each time it is given
    for (const auto& [key, value] : what.query)
      if (key == "exclude" && !value.empty())
        how.exclude.push_back(value);
  }
  http::streaming_response out;
  out.headers.push_back({"Content-Type", "text/event-stream"});
  out.headers.push_back({"X-Accel-Buffering", "no"});
  if (what.method == "HEAD")
    return out;
  if (!api->watches)
    return http::problem({errc::unsupported, "watching is off"});
  auto feed = std::make_shared<watch_feed>(api->blocking);
  auto handle = api->watches->watch(
    api->files, path, how,
    [feed](const std::vector<files::file_change>& changes) { feed->add(changes); });
  if (!handle)
    return http::problem(handle.error());
  feed->ready((*handle)->shown());
  out.stream = std::make_shared<watch_source>(std::move(feed), std::move(*handle));
  return out;
}

} // namespace holt

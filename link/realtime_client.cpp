// SPDX-License-Identifier: Apache-2.0
#include "link/realtime_client.hpp"

#include "link/realtime_machine.hpp"
#include "link/token_command.hpp"
#include "transport/proxy.hpp"
#include "transport/tls.hpp"
#include "transport/url.hpp"
#include "transport/ws_client.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <atomic>
#include <mutex>
#include <random>

namespace holt::link {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

/// What the server may send in one message; also the most we would ever send.
constexpr std::size_t largest_frame = 5'000'000;
constexpr std::chrono::seconds token_limit{10};

class realtime_client final : public link_port,
                              public std::enable_shared_from_this<realtime_client> {
public:
  realtime_client(asio::io_context& io, asio::thread_pool& blocking, realtime_options how,
                  http::ws_target to, realtime::policy rules, link_events events)
    : strand_{asio::make_strand(io.get_executor())},
      where_{io.get_executor()},
      blocking_{blocking},
      timer_{strand_},
      how_{std::move(how)},
      to_{std::move(to)},
      rules_{std::move(rules)},
      events_{std::move(events)} {
    machine_.random = how_.seed;
  }

  void begin() { tell(realtime::started{}); }

  // -- link_port

  bool send(const std::string& event, std::shared_ptr<const std::string> payload) override {
    if (!payload)
      return false;
    if (!realtime::fits(*payload, rules_.limits)) {
      log::warn("realtime", "payload_too_large",
                {{"session", how_.session}, {"bytes", payload->size()}});
      return false;
    }
    {
      const std::lock_guard lock{mutex_};
      const auto queued = socket_ ? socket_->outbox() : 0;
      if (!front_.joined || front_.waiting_messages >= how_.outbox_messages
          || front_.waiting_bytes + queued + payload->size() > how_.outbox_bytes)
        return false;
      ++front_.waiting_messages;
      front_.waiting_bytes += payload->size();
      ++front_.posted_messages;
      front_.posted_bytes += payload->size();
    }
    asio::post(strand_, [self = shared_from_this(), event, payload = std::move(payload)] {
      {
        const std::lock_guard lock{self->mutex_};
        --self->front_.posted_messages;
        self->front_.posted_bytes -= payload->size();
      }
      self->on_strand(realtime::send{event, payload});
    });
    return true;
  }

  void set_presence(nlohmann::json meta) override { tell(realtime::set_meta{std::move(meta)}); }

  void close() override {
    closing_.store(true, std::memory_order_relaxed);
    tell(realtime::close{});
  }

  nlohmann::json status() const override {
    using std::chrono::milliseconds;
    const auto ms
      = [](auto span) { return std::chrono::duration_cast<milliseconds>(span).count(); };
    const std::lock_guard lock{mutex_};
    const auto word = front_.over ? std::string_view{"closed"}
                      : front_.socket == realtime::socket_state::open
                        ? realtime::to_string(front_.channel)
                        : realtime::to_string(front_.socket);
    nlohmann::json out{
      {"state", word},
      {"url", how_.url},
      {"session", how_.session},
      {"since", ms(front_.since.time_since_epoch())},
      {"heardMsAgo", nullptr},
      {"connects", front_.connects},
      {"joins", front_.joins},
      {"waiting", front_.waiting_messages},
      {"dropped", front_.dropped},
      {"lastError", nullptr},
    };
    if (front_.heard.time_since_epoch().count() > 0)
      out["heardMsAgo"] = ms(std::chrono::system_clock::now() - front_.heard);
    if (front_.last_error)
      out["lastError"]
        = {{"code", front_.last_error->word()}, {"detail", front_.last_error->detail}};
    return out;
  }

private:
  /// What other threads see.
  struct front {
    bool joined = false;
    std::size_t waiting_messages = 0; ///< posted or in the machine's outbox
    std::size_t waiting_bytes = 0;
    std::size_t posted_messages = 0; ///< on their way to the strand
    std::size_t posted_bytes = 0;
    realtime::socket_state socket{};
    realtime::channel_state channel{};
    bool over = false;
    std::uint64_t connects = 0;
    std::uint64_t joins = 0;
    std::uint64_t dropped = 0;
    std::chrono::system_clock::time_point since; ///< of joined or not
    std::chrono::system_clock::time_point heard;
    std::optional<error> last_error;
  };

  void tell(realtime::event what) {
    asio::post(strand_,
               [self = shared_from_this(), what = std::move(what)] { self->on_strand(what); });
  }

  void on_strand(const realtime::event& what) {
    const realtime::clocks now{std::chrono::steady_clock::now(), std::chrono::system_clock::now()};
    auto effects = realtime::step(machine_, what, now, rules_);
    // Before the callbacks: they may send at once.
    publish(now);
    for (auto& one : effects)
      std::visit([this](auto& effect) { act(effect); }, one);
  }

  void publish(const realtime::clocks& now) {
    const auto joined = machine_.channel == realtime::channel_state::joined;
    const std::lock_guard lock{mutex_};
    if (joined != front_.joined || front_.since.time_since_epoch().count() == 0)
      front_.since = now.wall;
    front_.joined = joined;
    front_.waiting_messages = machine_.outbox.size() + front_.posted_messages;
    front_.waiting_bytes = machine_.outbox_bytes + front_.posted_bytes;
    front_.socket = machine_.socket;
    front_.channel = machine_.channel;
    front_.over = machine_.over;
    front_.connects = machine_.connects;
    front_.joins = machine_.joins;
    front_.dropped = machine_.dropped;
    front_.heard = machine_.heard;
    front_.last_error = machine_.last_error;
  }

  // -- effects

  void act(const realtime::connect& what) {
    wanted_ = what.serial;
    auto to = to_;
    to.refused = std::make_shared<http::response>();
    http::ws_handlers handlers;
    handlers.on_message
      = [self = shared_from_this(), serial = what.serial](std::string bytes, bool binary) {
          asio::dispatch(self->strand_, [self, serial, bytes = std::move(bytes), binary]() mutable {
            self->on_strand(realtime::received{serial, std::move(bytes), binary});
            if (self->socket_ && serial == self->machine_.serial)
              self->socket_->acknowledge(1);
          });
        };
    handlers.on_close = [self = shared_from_this(), serial = what.serial](http::close_reason why) {
      asio::dispatch(self->strand_, [self, serial, why = std::move(why)] {
        if (serial == self->machine_.serial)
          self->keep_socket(nullptr);
        self->on_strand(realtime::closed{serial, why.code, why.text});
      });
    };
    http::ws_limits limits;
    limits.max_message_bytes = largest_frame;
    limits.outbox_bytes = how_.outbox_bytes + largest_frame;
    cancel_ = http::ws_connect(where_, to, limits, std::move(handlers),
                               [self = shared_from_this(), serial = what.serial,
                                refused = to.refused](result<http::ws_ptr> got) {
                                 asio::dispatch(self->strand_,
                                                [self, serial, refused, got = std::move(got)] {
                                                  self->connected(serial, got, *refused);
                                                });
                               });
  }

  void connected(std::uint64_t serial, const result<http::ws_ptr>& got,
                 const http::response& refused) {
    // It may have opened in the moment in which it was given up.
    if (serial != wanted_) {
      if (got)
        (*got)->close(1000, "given up");
      return;
    }
    cancel_ = nullptr;
    wanted_ = 0;
    if (got) {
      keep_socket(*got);
      log::debug("realtime", "connected", {{"session", how_.session}});
      on_strand(realtime::connected{serial});
      return;
    }
    realtime::verdict why{realtime::failure::retry, got.error()};
    if (refused.status >= 300)
      why = realtime::judge_refusal(refused.status,
                                    refused.body ? std::string_view{*refused.body} : "");
    on_strand(realtime::connect_failed{serial, std::move(why)});
  }

  void act(const realtime::to_socket& what) {
    if (socket_)
      socket_->send_text(std::make_shared<const std::string>(what.text));
  }

  void act(const realtime::close_socket& what) {
    wanted_ = 0;
    if (cancel_)
      std::exchange(cancel_, nullptr)();
    if (socket_) {
      socket_->close(what.code, what.reason);
      keep_socket(nullptr);
    }
  }

  void keep_socket(http::ws_ptr socket) {
    const std::lock_guard lock{mutex_};
    socket_ = std::move(socket);
  }

  void act(const realtime::fetch_token& what) {
    asio::post(blocking_, [self = shared_from_this(), serial = what.serial] {
      auto got = run_token_command(self->how_.token_command, token_limit, self->closing_);
      if (got)
        self->tell(realtime::token_ready{serial, std::move(*got)});
      else
        self->tell(realtime::token_failed{serial, got.error()});
    });
  }

  void act(const realtime::arm& what) {
    if (!what.at) {
      timer_.cancel();
      return;
    }
    timer_.expires_at(*what.at);
    timer_.async_wait([self = shared_from_this()](error_code ec) {
      // A handler that was queued already may belong to the time before.
      if (!ec && self->timer_.expiry() <= std::chrono::steady_clock::now()) {
        self->on_strand(realtime::tick{});
      }
    });
  }

  void act(const realtime::up&) {
    log::info("realtime", "joined", {{"session", how_.session}, {"joins", machine_.joins}});
    if (events_.on_up && !closing_)
      events_.on_up(rules_.limits);
  }

  void act(const realtime::down& what) {
    log::warn("realtime", "down",
              {{"session", how_.session}, {"code", what.why.word()}, {"msg", what.why.detail}});
    if (events_.on_down && !closing_)
      events_.on_down(what.why, what.since);
  }

  void act(realtime::deliver& what) {
    if (events_.on_message && !closing_)
      events_.on_message(std::move(what.what));
  }

  void act(realtime::presence& what) {
    if (events_.on_presence && !closing_)
      events_.on_presence(std::move(what.all));
  }

  void act(const realtime::report& what) {
    if (what.warning)
      log::warn("realtime", what.event, {{"session", how_.session}, {"msg", what.detail}});
    else
      log::info("realtime", what.event, {{"session", how_.session}, {"msg", what.detail}});
  }

  void act(const realtime::finished&) {
    timer_.cancel();
    events_ = {};
  }

  asio::strand<asio::io_context::executor_type> strand_;
  asio::io_context::executor_type where_;
  asio::thread_pool& blocking_;
  asio::basic_waitable_timer<std::chrono::steady_clock,
                             asio::wait_traits<std::chrono::steady_clock>,
                             asio::strand<asio::io_context::executor_type>>
    timer_;
  const realtime_options how_;
  const http::ws_target to_;
  const realtime::policy rules_;
  std::atomic<bool> closing_{false};

  // on the strand only
  link_events events_;
  realtime::state machine_;
  std::function<void()> cancel_; ///< of the attempt to connect
  std::uint64_t wanted_ = 0;     ///< the attempt whose end counts; 0: none

  mutable std::mutex mutex_; ///< guards the next two; the strand alone writes socket_
  http::ws_ptr socket_;
  front front_;
};

error wrong(std::string what) {
  return {errc::config, std::move(what)};
}

/// Where the WebSocket is; the key goes into the query, as browsers' clients do it.
result<http::ws_target> target_of(const realtime_options& how) {
  const auto url = url::parse_absolute(how.url);
  if (!url)
    return wrong("link.url is wrong: " + url.error().detail);
  if (!url->userinfo.empty())
    return wrong("link.url must not hold credentials; the key goes into link.key.");
  if (how.key.empty())
    return wrong("link.key is missing.");
  http::ws_target out;
  out.host = url->host;
  out.port = url->port;
  auto path = url->target.substr(0, url->target.find('?'));
  while (path.ends_with('/'))
    path.pop_back();
  if (!path.ends_with("/websocket"))
    path += "/websocket";
  out.target = path + "?apikey=" + url::percent_encode(how.key.reveal()) + "&vsn=2.0.0";
  const bool tls = url->scheme == "https" || url->scheme == "wss";
  if (tls) {
    auto trust = http::make_tls_client(how.ca_file);
    if (!trust)
      return trust.error();
    out.tls = std::move(*trust);
  }
  if (!how.proxy.empty()) {
    auto via = http::parse_proxy(how.proxy);
    if (!via)
      return via.error();
    out.via = std::move(*via);
    return out;
  }
  auto via = http::choose_proxy(http::proxy_environment(), out.host, out.port, tls);
  if (!via)
    return via.error();
  out.via = std::move(*via);
  return out;
}

} // namespace

result<link_port_ptr> start_realtime_client(asio::io_context& io, asio::thread_pool& blocking,
                                            realtime_options how, link_events events) {
  auto to = target_of(how);
  if (!to)
    return to.error();
  if (how.session.empty() || how.session.size() > 200 || !url::valid_utf8(how.session))
    return wrong("link.session must have 1 to 200 bytes of UTF-8.");
  realtime::policy rules;
  rules.topic = "realtime:sandbox:" + how.session;
  rules.private_channel = how.private_channel;
  rules.presence_key = how.presence_key;
  rules.fetches_token = !how.token_command.empty();
  rules.token = how.key.reveal();
  rules.limits = how.limits;
  realtime::hurry(rules, std::max(1u, how.hurry));
  to->connect_timeout = rules.connect;
  if (how.seed == 0)
    how.seed = static_cast<std::uint64_t>(std::random_device{}()) << 32 | std::random_device{}();
  const auto out = std::make_shared<realtime_client>(io, blocking, std::move(how), std::move(*to),
                                                     std::move(rules), std::move(events));
  out->begin();
  return link_port_ptr{out};
}

} // namespace holt::link

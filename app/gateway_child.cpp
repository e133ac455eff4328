// SPDX-License-Identifier: Apache-2.0
#include "app/gateway_child.hpp"

#include "app/preflight.hpp"
#include "transport/kernel_features.hpp"
#include "transport/log.hpp"
#include "transport/own_names.hpp"
#include "transport/tokens.hpp"

#include <boost/asio/ip/address.hpp>

namespace holt {

namespace {

std::string host_of(const boost::asio::ip::address& address) {
  if (address.is_unspecified())
    return "127.0.0.1";
  return address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
}

nlohmann::json kernel_document() {
  nlohmann::json out;
  for (const auto& row : describe(detect_kernel_features()))
    out[row.name] = row.present;
  return out;
}

std::shared_ptr<const http::assets> load_page(const config& values) {
  auto folder = values.http.page_dir;
  if (folder.empty())
    folder = program_dir() + "/../share/holt/web";
  auto page = http::assets::load(folder);
  if (!page) {
    log::warn("gateway", "no_page", {{"detail", page.error().detail}});
    return nullptr;
  }
  return std::make_shared<const http::assets>(std::move(*page));
}

void log_access(const http::access_record& what) {
  log::debug("gateway", "request",
             {{"method", what.method},
              {"path", what.path},
              {"status", what.status},
              {"bytes", what.body_bytes},
              {"us", what.took.count()}});
}

} // namespace

gateway_child::gateway_child(boost::asio::io_context& io, http::listener_options options,
                             std::shared_ptr<http::authority> authority, gateway_deps deps)
  : io_{io}, options_{std::move(options)}, authority_{std::move(authority)} {
  service_ = std::make_shared<gateway>(std::move(deps));
}

std::shared_ptr<http::listener> gateway_child::listener() const {
  std::lock_guard guard{mutex_};
  return listener_;
}

result<void> gateway_child::bind() {
  auto fresh = std::make_shared<http::listener>(io_, options_, service_);
  auto bound = fresh->start();
  if (!bound)
    return bound.error();
  std::lock_guard guard{mutex_};
  listener_ = fresh;
  bound_ = *bound;
  options_.port = bound->port(); // a restart must not move
  return {};
}

result<void> gateway_child::listen() {
  return bind();
}

std::string gateway_child::url() const {
  std::lock_guard guard{mutex_};
  return "http://" + host_of(bound_.address()) + ":" + std::to_string(bound_.port());
}

std::string gateway_child::ticket_link(bool reusable) {
  return url() + "/#ticket=" + authority_->make_ticket(http::all_scopes, reusable);
}

std::string gateway_child::stun() const {
  std::lock_guard guard{mutex_};
  return "stun:" + host_of(bound_.address()) + ":" + std::to_string(bound_.port());
}

void gateway_child::drop_followers() {
  service_->drop_followers();
}

http::listener_stats gateway_child::stats() const {
  auto now = listener();
  return now ? now->stats() : http::listener_stats{};
}

void gateway_child::stop_accepting() {
  if (auto now = listener())
    now->stop_accepting();
}

void gateway_child::close_all(std::uint16_t code, const std::string& reason,
                              std::function<void()> done) {
  auto now = listener();
  if (!now)
    return done();
  now->close_all(code, reason, [now, done = std::move(done)] { done(); });
}

void gateway_child::start(generation gen, supervision::event_sink sink) {
  voice_.begin(gen, sink);
  if (!listener())
    if (auto bound = bind(); !bound) {
      sink(gen, supervision::spawn_failed{bound.error().detail, false});
      return;
    }
  sink(gen, supervision::spawned{});
  sink(gen, supervision::became_ready{});
}

void gateway_child::let_go() {
  std::lock_guard guard{mutex_};
  listener_.reset();
}

void gateway_child::ended(generation gen) {
  // Not when this was the end of an earlier start.
  if (!voice_.during(gen, [this] { let_go(); }))
    return;
  supervision::exited what;
  what.cause = death_cause::actor;
  voice_.tell(gen, std::move(what));
}

void gateway_child::stop(generation gen) {
  stop_accepting();
  close_all(1012, "the gateway restarts", [self = shared_from_this(), gen] { self->ended(gen); });
}

void gateway_child::kill(generation gen) {
  let_go();
  voice_.tell(gen, supervision::kill_verified{0});
}

void gateway_child::probe(generation gen) {
  voice_.tell(gen, supervision::probe_ok{});
}

std::shared_ptr<gateway_child> make_gateway(const shared_parts& parts, const config& values,
                                            const state_dir& state, const reaper& orphans) {
  boost::system::error_code ec;
  auto address = boost::asio::ip::make_address(values.http.address, ec); // checked with the config
  http::guard_policy guard;
  guard.allowed_hosts = values.http.allowed_hosts;
  guard.allowed_origins = values.http.allowed_origins;
  if (parts.link->broker)
    guard.origin_exempt = is_realtime_path;
  guard.loopback = address.is_loopback() || address.is_unspecified();
  guard.own_name = own_names(address);
  auto authority = std::make_shared<http::authority>(state.token(), guard);

  http::listener_options options;
  options.address = address;
  options.port = values.http.port;
  options.head.bytes = values.http.max_header_bytes;
  options.max_connections = values.http.max_connections;
  options.max_unauthenticated = values.http.max_unauthenticated;
  options.max_unauthenticated_per_address = values.http.max_unauthenticated_per_address;
  options.guard = std::make_shared<const http::guard_policy>(guard);
  options.on_access = log_access;

  auto self = std::make_shared<std::weak_ptr<gateway_child>>();
  gateway_deps deps;
  deps.system = &parts.rt.system();
  deps.executor = parts.rt.io().get_executor();
  deps.tree = parts.tree;
  deps.authority = authority;
  auto tokens = http::token_store::open(state.path() / "tokens.json", authority);
  if (!tokens)
    log::error("gateway", "tokens_unreadable", {{"detail", tokens.error().detail}});
  else
    deps.tokens = *tokens;
  deps.page = load_page(values);
  deps.activity = parts.activity;
  deps.control = parts.control;
  deps.viewers = parts.viewers;
  deps.x_client = parts.x_client;
  deps.door = parts.door;
  deps.gate = parts.gate;
  deps.hands = parts.hands;
  deps.commands = parts.link->commands;
  deps.processes = parts.processes;
  deps.jail = parts.link->files.jail;
  deps.blocking = parts.rt.blocking().get_executor();
  deps.broker = parts.link->broker;
  deps.realtime = [self, link = parts.link](const std::string& session) {
    auto child = self->lock();
    return realtime_access(*link, child ? child->url() : std::string{}, session);
  };
  auto files = std::make_shared<file_api_deps>();
  files->files = parts.link->files;
  files->watches = parts.link->watches;
  files->blocking = parts.link->pool->get_executor();
  deps.files = files;
  deps.recordings = parts.recordings;
  deps.context = parts.context;
  deps.engine = parts.choice;
  deps.log_dir = parts.log_dir;
  deps.max_body_bytes = values.http.max_body_bytes;
  deps.max_width = values.desktop.max_width;
  deps.max_height = values.desktop.max_height;
  deps.need_token = values.http.auth != "none";
  deps.kernel = kernel_document();
  deps.listener_stats = [self]() -> http::listener_stats {
    auto child = self->lock();
    return child ? child->stats() : http::listener_stats{};
  };
  deps.strangers_reaped = [&orphans] { return orphans.strangers(); };
  auto out = std::make_shared<gateway_child>(parts.rt.io(), options, authority, std::move(deps));
  *self = out;
  return out;
}

supervision::child_spec gateway_spec(const std::shared_ptr<gateway_child>& port,
                                     const config& values) {
  auto defaults = make_defaults(values);
  supervision::child_spec out;
  out.id = "gateway";
  out.kind = child_kind::actor;
  out.backoff = defaults.backoff;
  out.budget = defaults.budget;
  out.stop.grace = std::chrono::seconds{3};
  out.port = port;
  return out;
}

} // namespace holt

// SPDX-License-Identifier: Apache-2.0
#include "transport/http_core.hpp"

#include <boost/asio/post.hpp>

namespace holt::http {

place::place(std::shared_ptr<http_core> core, std::uint64_t id, boost::asio::ip::address peer)
  : core_{std::move(core)}, id_{id}, peer_{std::move(peer)} {}

place::~place() {
  authenticated();
  const std::lock_guard lock{core_->mutex_};
  if (websocket_)
    --core_->websockets_;
  core_->live_.erase(id_);
  core_->notify_if_empty_locked();
}

void place::authenticated() {
  if (std::exchange(authenticated_, true))
    return;
  const std::lock_guard lock{core_->mutex_};
  if (waiting_ != 0)
    core_->waiting_.erase(std::exchange(waiting_, 0));
  --core_->unauthenticated_;
  const auto found = core_->unauthenticated_by_address_.find(peer_);
  if (found != core_->unauthenticated_by_address_.end() && --found->second == 0)
    core_->unauthenticated_by_address_.erase(found);
}

void place::websocket() {
  if (std::exchange(websocket_, true))
    return;
  const std::lock_guard lock{core_->mutex_};
  ++core_->websockets_;
}

void place::waiting(bool now) {
  if (authenticated_ || now == (waiting_ != 0))
    return;
  const std::lock_guard lock{core_->mutex_};
  if (now) {
    waiting_ = ++core_->last_waiting_;
    core_->waiting_.emplace(waiting_, http_core::waiter{id_, peer_});
  } else {
    core_->waiting_.erase(std::exchange(waiting_, 0));
  }
}

void place::attach(std::weak_ptr<connection> who) {
  const std::lock_guard lock{core_->mutex_};
  core_->live_[id_] = std::move(who);
}

http_core::http_core(boost::asio::io_context& io, listener_options o, std::shared_ptr<service> what)
  : options{std::move(o)}, app{std::move(what)}, io_{io} {}

std::shared_ptr<connection> http_core::longest_waiting_locked(
  const std::function<bool(const boost::asio::ip::address&)>& fits) {
  for (auto i = waiting_.begin(); i != waiting_.end();) {
    if (!fits(i->second.peer)) {
      ++i;
      continue;
    }
    const auto found = live_.find(i->second.id);
    auto who = found == live_.end() ? nullptr : found->second.lock();
    i = waiting_.erase(i); // it makes room once
    if (who)
      return who;
  }
  return nullptr;
}

std::unique_ptr<place> http_core::take(const boost::asio::ip::address& peer) {
  std::shared_ptr<connection> leaves;
  std::unique_ptr<place> out;
  {
    const std::lock_guard lock{mutex_};
    const auto found = unauthenticated_by_address_.find(peer);
    const auto of_peer = found == unauthenticated_by_address_.end() ? 0u : found->second;
    const bool peer_full
      = !peer.is_loopback() && of_peer >= options.max_unauthenticated_per_address;
    const bool all_full = unauthenticated_ >= options.max_unauthenticated;
    bool room = live_.size() < options.max_connections;
    if (room && (peer_full || all_full)) {
      leaves = longest_waiting_locked(
        [&](const auto& address) { return !peer_full || address == peer; });
      room = leaves != nullptr;
    }
    if (!room) {
      ++refused_;
      return nullptr;
    }
    ++accepted_;
    ++unauthenticated_;
    ++unauthenticated_by_address_[peer];
    const auto id = next_id_++;
    live_.emplace(id, std::weak_ptr<connection>{});
    out = std::make_unique<place>(shared_from_this(), id, peer);
  }
  if (leaves)
    leaves->stop(1001, "another connection needs the place");
  return out;
}

std::vector<std::shared_ptr<connection>> http_core::live() const {
  const std::lock_guard lock{mutex_};
  std::vector<std::shared_ptr<connection>> out;
  out.reserve(live_.size());
  for (const auto& [id, who] : live_)
    if (auto one = who.lock())
      out.push_back(std::move(one));
  return out;
}

void http_core::when_empty(std::function<void()> call) {
  const std::lock_guard lock{mutex_};
  when_empty_ = std::move(call);
  notify_if_empty_locked();
}

void http_core::notify_if_empty_locked() {
  if (!when_empty_ || !live_.empty())
    return;
  boost::asio::post(io_, std::exchange(when_empty_, nullptr));
}

void http_core::count_request(unsigned status) {
  if (status < by_status_.size())
    by_status_[status].fetch_add(1, std::memory_order_relaxed);
}

listener_stats http_core::stats() const {
  listener_stats out;
  out.bytes_in = bytes_in.load();
  out.bytes_out = bytes_out.load();
  for (std::size_t i = 0; i < by_status_.size(); ++i)
    if (const auto n = by_status_[i].load(); n > 0)
      out.requests.emplace(static_cast<unsigned>(i), n);
  const std::lock_guard lock{mutex_};
  out.open = live_.size();
  out.unauthenticated = unauthenticated_;
  out.idle_strangers = waiting_.size();
  out.websockets = websockets_;
  out.accepted = accepted_;
  out.refused = refused_;
  return out;
}

} // namespace holt::http

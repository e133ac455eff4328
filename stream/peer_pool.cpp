// SPDX-License-Identifier: Apache-2.0
#include "stream/peer_pool.hpp"

#include "transport/secret.hpp"

#include <boost/asio/post.hpp>

namespace holt::stream {

namespace {

constexpr unsigned most_waiting = 64;
constexpr std::size_t addresses_per_peer = 8;

std::uint32_t random_number() {
  std::uint32_t value = 0;
  random_bytes({reinterpret_cast<unsigned char*>(&value), sizeof value});
  return value >> 1 | 1; // never 0
}

steady_time now() {
  return std::chrono::steady_clock::now();
}

} // namespace

peer_pool::peer_pool(boost::asio::io_context& io, std::shared_ptr<dtls_identity> identity,
                     pool_handlers on)
  : io_(io),
    identity_(std::move(identity)),
    on_(std::move(on)),
    mux_(io),
    ssrcs_{random_number(), random_number(), random_number()},
    cname_(random_ice_text(16)),
    timer_(io) {}

peer_pool::~peer_pool() {
  close();
  // The posts of retire() may not have run: what they would free refers to us.
  for (auto& one : retired_)
    one->release();
}

result<void> peer_pool::open(const pool_settings& settings) {
  auto opened = mux_.open(settings.bind, [this](bytes_span datagram, const udp_endpoint& from) {
    on_datagram(datagram, from);
  });
  if (!opened)
    return opened;
  auto addresses = settings.advertise;
  if (addresses.empty())
    addresses.push_back(settings.bind.address().to_string());
  for (const auto& address : addresses)
    candidates_.push_back({address, mux_.port(), false});
  return {};
}

void peer_pool::close() {
  if (closed_)
    return;
  closed_ = true;
  while (!peers_.empty())
    peer_ptr {
      peers_.begin()->second
      } -> close();
  timer_.cancel();
  mux_.close();
}

std::string peer_pool::addresses() const {
  std::string out;
  for (const auto& one : candidates_)
    out += (out.empty() ? "" : ", ") + one.address + ':' + std::to_string(one.port)
           + (one.tcp ? "/tcp" : "/udp");
  return out;
}

peer_ptr peer_pool::create(peer_handlers on) {
  if (closed_ || peers_.size() >= most_peers)
    return nullptr;
  auto made = std::make_shared<peer>(*this, std::move(on), now());
  peers_.emplace(made->ice_.ufrag(), made);
  ++counters_.peers_made;
  arm();
  return made;
}

offer_input peer_pool::offer_for(const ice_agent& ice) const {
  offer_input in;
  in.session_id = random_number();
  in.ufrag = ice.ufrag();
  in.password = ice.password();
  in.certificate = identity_->certificate();
  in.candidates = candidates_;
  in.ssrcs = ssrcs_;
  in.cname = cname_;
  return in;
}

void peer_pool::on_datagram(bytes_span datagram, const udp_endpoint& from) {
  auto kind = kind_of(datagram);
  if (kind == datagram_kind::stun)
    return on_check(datagram, from);
  auto at = by_address_.find(from);
  auto who = at == by_address_.end() ? nullptr : at->second.lock();
  if (!who || who->state() == peer_state::closed)
    return;
  if (kind == datagram_kind::dtls)
    who->on_dtls(datagram);
  else if (kind == datagram_kind::media)
    who->on_media(datagram, now());
}

void peer_pool::on_check(bytes_view datagram, const udp_endpoint& from) {
  auto request = parse_stun_request(datagram);
  auto at = request ? peers_.find(local_ufrag(*request)) : peers_.end();
  if (at == peers_.end() || !at->second->on_check(datagram, *request, from, now())) {
    ++counters_.refused_checks;
    return;
  }
  auto& known = by_address_[from];
  if (known.lock() == at->second)
    return;
  known = at->second;
  // A browser has a handful of addresses; one that makes up more loses the others.
  std::size_t count = 0;
  for (auto it = by_address_.begin(); it != by_address_.end();) {
    auto owner = it->second.lock();
    bool surplus = owner == at->second && it->first != from && ++count >= addresses_per_peer
                   && it->first != owner->ice_.route();
    it = !owner || surplus ? by_address_.erase(it) : std::next(it);
  }
}

void peer_pool::send(frame_ptr frame) {
  if (waiting_.fetch_add(1) >= most_waiting) {
    waiting_.fetch_sub(1);
    overrun_ = true;
    return;
  }
  boost::asio::post(io_, [this, frame = std::move(frame)] {
    waiting_.fetch_sub(1);
    deliver(frame);
  });
}

/// Frames were dropped: whatever follows builds on them, so everybody needs a key frame.
void peer_pool::recover() {
  if (!overrun_.exchange(false))
    return;
  ++counters_.frames_dropped;
  for (auto& [ufrag, one] : peers_)
    one->needs_key_ = true;
  want_key();
}

void peer_pool::deliver(const frame_ptr& frame) {
  recover();
  if (closed_ || (frame->video ? video_viewers_ : audio_viewers_) == 0)
    return;
  send_time_ = abs_send_time(std::chrono::system_clock::now());
  ++counters_.frames;
  if (frame->video) {
    auto packets = history_.add(frame);
    for (auto& [ufrag, one] : peers_)
      one->send_video(packets);
  } else {
    for (auto& [ufrag, one] : peers_)
      one->send_audio(*frame);
  }
  mux_.flush();
}

void peer_pool::recount() {
  unsigned video = 0;
  unsigned audio = 0;
  bool joins = false;
  for (const auto& [ufrag, one] : peers_) {
    if (one->state() != peer_state::connected)
      continue;
    video += one->wants_video() ? 1 : 0;
    audio += one->wants_audio() ? 1 : 0;
    joins = joins || (one->wants_video() && one->needs_key_);
  }
  if (video != video_viewers_ || audio != audio_viewers_) {
    video_viewers_ = video;
    audio_viewers_ = audio;
    if (on_.viewers)
      on_.viewers(video, audio);
  }
  if (video == 0)
    history_.clear();
  if (joins)
    want_key();
}

void peer_pool::want_key() {
  auto at = now();
  if (at - last_key_ < key_interval) {
    key_wanted_ = true; // the tick asks
    return;
  }
  last_key_ = at;
  key_wanted_ = false;
  if (on_.key_wanted)
    on_.key_wanted();
}

void peer_pool::retire(peer& which, bool was_connected) {
  auto at = peers_.find(which.ice_.ufrag());
  if (at == peers_.end())
    return;
  auto keep = at->second;
  peers_.erase(at);
  std::erase_if(by_address_, [&](const auto& entry) {
    auto owner = entry.second.lock();
    return !owner || owner == keep;
  });
  retired_.push_back(std::move(keep));
  boost::asio::post(io_, [this] {
    auto done = std::exchange(retired_, {});
    for (auto& one : done)
      one->release();
  });
  if (was_connected)
    recount();
}

void peer_pool::arm() {
  if (ticking_ || peers_.empty() || closed_)
    return;
  ticking_ = true;
  last_tick_ = now();
  timer_.expires_after(tick_interval);
  timer_.async_wait([this](const boost::system::error_code& cancelled) {
    ticking_ = false;
    if (!cancelled)
      on_tick();
  });
}

void peer_pool::on_tick() {
  recover();
  auto at = now();
  auto since = std::chrono::duration_cast<std::chrono::milliseconds>(at - last_tick_);
  sctp_.tick(std::min(since, std::chrono::milliseconds{1000}));
  send_time_ = abs_send_time(std::chrono::system_clock::now());
  auto all = peers_; // a peer that fails leaves the map
  for (auto& [ufrag, one] : all) {
    auto before = one->state();
    one->on_tick(at);
    if (before != peer_state::closed && one->state() == peer_state::closed)
      ++counters_.peers_failed;
  }
  if (key_wanted_)
    want_key();
  arm();
}

} // namespace holt::stream

// SPDX-License-Identifier: Apache-2.0
#include "stream/engine_server.hpp"

#include "transport/log.hpp"
#include "transport/own_names.hpp"

namespace holt::stream {

namespace {

constexpr std::chrono::milliseconds stop_limit{800};
constexpr std::chrono::milliseconds close_grace{500};
constexpr std::uint16_t going_away = 1001;

} // namespace

engine_server::engine_server(boost::asio::io_context& io, engine_options options)
  : io_(io), options_(std::move(options)), limit_(io) {}

engine_server::~engine_server() {
  if (media_)
    media_->stop(); // first: its threads call into the peers
  listener_.reset();
  room_.reset();
  peers_.reset();
}

result<void> engine_server::open_media() {
  auto identity = dtls_identity::make();
  if (!identity)
    return identity.error();
  pool_handlers on;
  on.viewers = [this](unsigned video, unsigned audio) { media_->set_viewers(video, audio); };
  on.key_wanted = [this] { media_->request_key(); };
  peers_ = std::make_unique<peer_pool>(io_, *identity, std::move(on));
  pool_settings where;
  auto address = boost::asio::ip::make_address(options_.media_address);
  where.bind = {address, options_.media_port};
  where.advertise = options_.advertise;
  if (where.advertise.empty() && address.is_unspecified())
    where.advertise = outer_addresses();
  if (where.advertise.empty() && address.is_unspecified())
    where.advertise = {"127.0.0.1"}; // there is no other
  return peers_->open(where);
}

result<void> engine_server::start() {
  engine_media_handlers on;
  on.frame = [this](frame_ptr frame) { peers_->send(std::move(frame)); };
  on.cursor = [this](const desktop::cursor_image& image) { room_->on_cursor_image(image); };
  on.pointer = [this](desktop::pointer_position where) { room_->on_pointer(where); };
  on.clipboard = [this](const std::string& text) { room_->on_clipboard(text); };
  on.screen = [this](screen_size size) {
    if (size != std::exchange(last_size_, size))
      room_->on_screen(size, "");
  };
  on.failed = [this](const error& why) { on_failed(why); };
  media_ = std::make_unique<engine_media>(io_, options_, std::move(on));
  if (auto opened = open_media(); !opened)
    return opened;
  room_settings rules;
  rules.locked_controls = options_.locked_controls;
  rules.implicit_hosting = options_.implicit_hosting;
  room_ = std::make_shared<room>(io_, *peers_, *media_, rules, std::move(options_.api_token));
  http::listener_options front;
  front.address = boost::asio::ip::make_address(options_.bind_address);
  front.port = options_.bind_port;
  front.close_grace = close_grace;
  auto api = std::make_shared<engine_api>(room_, [this] { return media_->numbers(); });
  listener_ = std::make_unique<http::listener>(io_, front, api);
  auto bound = listener_->start(); // the port first: it is the cheapest thing to be wrong
  if (!bound)
    return bound.error();
  http_port_ = bound->port();
  return media_->start();
}

void engine_server::on_failed(const error& why) {
  if (failure_ || stopping_)
    return;
  failure_ = why;
  log::error("engine", "failed", {{"reason", why.detail}});
  room_->on_media_failure(why);
  stop("the desktop is gone");
}

void engine_server::stop(std::string_view why) {
  if (stopping_)
    return;
  stopping_ = true;
  if (!listener_ || !room_ || !peers_)
    return io_.stop();
  listener_->stop_accepting();
  room_->shut_down(why);
  peers_->close();
  listener_->close_all(going_away, std::string{why}, [this] { io_.stop(); });
  limit_.expires_after(stop_limit);
  limit_.async_wait([this](const boost::system::error_code&) { io_.stop(); });
}

} // namespace holt::stream

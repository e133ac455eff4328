// SPDX-License-Identifier: Apache-2.0
#pragma once

// The listener and its service as a child of the tree. The first listener is bound before the
// tree boots, so that a taken port is said at once; a restart closes it and binds anew.

#include "actors/gateway.hpp"
#include "app/children.hpp"
#include "supervisor/child_voice.hpp"
#include "transport/reaper.hpp"
#include "transport/state_dir.hpp"

#include <mutex>

namespace holt {

class gateway_child final : public supervision::child_port,
                            public std::enable_shared_from_this<gateway_child> {
public:
  gateway_child(boost::asio::io_context& io, http::listener_options options,
                std::shared_ptr<http::authority> authority, gateway_deps deps);

  /// Binds now. errc::port_unavailable.
  result<void> listen();
  std::string url() const;
  /// A link that signs in; one that may be used again is only for the ready file.
  std::string ticket_link(bool reusable);
  /// What is named as ICE server where the engine names none.
  std::string stun() const;
  void drop_followers();
  http::listener_stats stats() const;
  void stop_accepting();
  void close_all(std::uint16_t code, const std::string& reason, std::function<void()> done);

  void start(generation gen, supervision::event_sink sink) override;
  void stop(generation gen) override;
  void kill(generation gen) override;
  void probe(generation gen) override;

private:
  std::shared_ptr<http::listener> listener() const;
  result<void> bind();
  void let_go();
  void ended(generation gen);

  boost::asio::io_context& io_;
  http::listener_options options_;
  std::shared_ptr<http::authority> authority_;
  std::shared_ptr<gateway> service_;
  mutable std::mutex mutex_;
  std::shared_ptr<http::listener> listener_;
  boost::asio::ip::tcp::endpoint bound_;
  supervision::child_voice voice_;
};

std::shared_ptr<gateway_child> make_gateway(const shared_parts& parts, const config& values,
                                            const state_dir& state, const reaper& orphans);

supervision::child_spec gateway_spec(const std::shared_ptr<gateway_child>& port,
                                     const config& values);

} // namespace holt

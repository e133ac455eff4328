// SPDX-License-Identifier: Apache-2.0
#include "app/daemon_client.hpp"

#include "transport/state_dir.hpp"
#include "transport/ws_client.hpp"

#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <iostream>

namespace holt {

using namespace std::chrono_literals;
using nlohmann::json;

result<daemon_client> daemon_client::find(const command_line& line) {
  auto url = line.url;
  log::secret token{line.token};
  auto loaded = load_config("", {}, ::getenv);
  auto configured = loaded ? loaded->values.state_dir : std::string{};
  auto folder = !line.state_dir.empty() ? std::filesystem::path{line.state_dir}
                : !configured.empty()   ? std::filesystem::path{configured}
                                        : default_state_dir();
  auto found = read_daemon_info(folder);
  if (url.empty() && !found)
    return error{errc::no_daemon, "no daemon runs here (" + folder.string()
                                    + " names none); start one with `holt serve`, or give --url"};
  // The token of this machine's daemon is shown to that one only.
  const bool own = url.empty() || !line.state_dir.empty() || (found && found->url == url);
  if (url.empty())
    url = found->url;
  if (token.empty() && own)
    if (auto kept = read_token(folder))
      token = *kept;
  auto where = client::parse_endpoint(url, std::move(token));
  if (!where)
    return where.error();
  daemon_client out;
  out.at_ = std::move(*where);
  return out;
}

result<json> daemon_client::call(const std::string& method, const std::string& target,
                                 const json& body) const {
  return api().call(method, target, body, 20s);
}

result<void> daemon_client::follow(const std::string& target,
                                   const std::function<bool(const json&)>& event) const {
  boost::asio::io_context io;
  result<void> out = {};
  http::ws_ptr socket;
  http::ws_target where;
  where.host = at_.host;
  where.port = at_.port;
  where.tls = at_.tls;
  where.via = at_.via;
  where.target = at_.prefix + target;
  where.headers.push_back({"Authorization", "Bearer " + at_.token.reveal()});
  http::ws_handlers handlers;
  handlers.on_message = [&](const std::string& text, bool) {
    if (socket)
      socket->acknowledge(1);
    if (!event(json::parse(text, nullptr, false)) && socket)
      socket->close(1000, "");
  };
  handlers.on_close = [&](const http::close_reason& why) {
    if (why.code != 1000)
      out = error{errc::no_daemon,
                  "the daemon closed the connection" + (why.text.empty() ? "" : ": " + why.text)};
  };
  http::ws_limits limits;
  limits.max_message_bytes = 1024 * 1024;
  http::ws_connect(io.get_executor(), std::move(where), limits, std::move(handlers),
                   [&](result<http::ws_ptr> got) {
                     if (got)
                       socket = *got;
                     else
                       out = error{errc::no_daemon, got.error().detail};
                   });
  io.run();
  return out;
}

int complain(const error& why) {
  std::cerr << "holt: " << why.detail << std::endl;
  return info(why.code).exit;
}

} // namespace holt

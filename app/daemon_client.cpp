// SPDX-License-Identifier: Apache-2.0
#include "app/daemon_client.hpp"

#include "transport/http_client.hpp"
#include "transport/state_dir.hpp"
#include "transport/ws_client.hpp"

#include <boost/asio/io_context.hpp>

#include <charconv>
#include <filesystem>
#include <iostream>

namespace holt {

namespace {

using namespace std::chrono_literals;
using nlohmann::json;

struct host_port {
  std::string host;
  std::uint16_t port = 0;
};

result<host_port> split(const std::string& url) {
  const std::string scheme = "http://";
  error bad{errc::usage, "'" + url + "' is not the address of a daemon; http://HOST:PORT is"};
  if (url.rfind(scheme, 0) != 0)
    return bad;
  auto rest = url.substr(scheme.size());
  rest = rest.substr(0, rest.find('/'));
  auto colon = rest.rfind(':');
  if (colon == std::string::npos)
    return host_port{rest, 80};
  host_port out;
  out.host = rest.substr(0, colon);
  if (out.host.size() > 2 && out.host.front() == '[' && out.host.back() == ']')
    out.host = out.host.substr(1, out.host.size() - 2);
  const auto* end = rest.data() + rest.size();
  auto [at, ec] = std::from_chars(rest.data() + colon + 1, end, out.port);
  if (ec != std::errc{} || at != end || out.host.empty())
    return bad;
  return out;
}

error refused(const http::response& got) {
  auto body = json::parse(got.body ? *got.body : "", nullptr, false);
  if (body.is_object() && body.contains("code") && body["code"].is_string())
    return {info(std::string_view{body["code"].get_ref<const std::string&>()}).code,
            body.value("detail", body.value("title", std::string{"refused"}))};
  return {errc::internal, "the daemon answered " + std::to_string(got.status)};
}

} // namespace

result<daemon_client> daemon_client::find(const command_line& line) {
  daemon_client out;
  out.url_ = line.url;
  out.token_ = log::secret{line.token};
  auto loaded = load_config("", {}, ::getenv);
  auto configured = loaded ? loaded->values.state_dir : std::string{};
  auto folder = !line.state_dir.empty() ? std::filesystem::path{line.state_dir}
                : !configured.empty()   ? std::filesystem::path{configured}
                                        : default_state_dir();
  if (out.url_.empty()) {
    auto found = read_daemon_info(folder);
    if (!found)
      return error{errc::no_daemon, "no daemon runs here (" + folder.string()
                                      + " names none); start one with `holt serve`, or give --url"};
    out.url_ = found->url;
  }
  if (out.token_.empty())
    if (auto token = read_token(folder))
      out.token_ = *token;
  auto where = split(out.url_);
  if (!where)
    return where.error();
  out.host_ = where->host;
  out.port_ = where->port;
  return out;
}

result<json> daemon_client::call(const std::string& method, const std::string& target,
                                 const json& body) const {
  boost::asio::io_context io;
  http::client_request request;
  request.host = host_;
  request.port = port_;
  request.method = method;
  request.target = target;
  request.timeout = 20s;
  request.headers.push_back({"Authorization", "Bearer " + token_.reveal()});
  if (!body.is_null()) {
    request.headers.push_back({"Content-Type", "application/json"});
    request.body = body.dump();
  }
  result<http::response> got = error{errc::no_daemon, "no answer"};
  http::http_call(io.get_executor(), std::move(request),
                  [&got](result<http::response> answer) { got = std::move(answer); });
  io.run();
  if (!got)
    return error{errc::no_daemon, "no daemon answers at " + url_ + ": " + got.error().detail};
  if (got->status >= 300)
    return refused(*got);
  auto text = got->body ? *got->body : std::string{};
  return {boost::system::in_place_value,
          text.empty() ? json::object() : json::parse(text, nullptr, false)};
}

result<void> daemon_client::follow(const std::string& target,
                                   const std::function<bool(const json&)>& event) const {
  boost::asio::io_context io;
  result<void> out = {};
  http::ws_ptr socket;
  http::ws_target where;
  where.host = host_;
  where.port = port_;
  where.target = target;
  where.headers.push_back({"Authorization", "Bearer " + token_.reveal()});
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

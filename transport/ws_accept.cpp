// SPDX-License-Identifier: Apache-2.0

// The server's half of the handshake. The request was checked by http_upgrade; Beast checks again
// and computes the answer.

#include "transport/http_upgrade.hpp"
#include "transport/ws_session.hpp"

namespace holt::http {

namespace beast = boost::beast;

void accept_websocket(std::unique_ptr<place> seat, socket_type socket, ws_accept_request what) {
  seat->core().count_request(101);
  seat->websocket();
  const auto session = std::make_shared<ws_session>(std::move(socket), std::move(seat), what.limits,
                                                    std::move(what.handlers));
  session->attach();
  session->set_options(false, what.head_timeout);
  session->stream().set_option(beast::websocket::stream_base::decorator(
    [extra = std::move(what.headers)](beast::websocket::response_type& answer) {
      for (const auto& h : extra)
        if (h.value.find_first_of("\r\n") == std::string::npos)
          answer.set(h.name, h.value);
    }));
  beast::http::request<beast::http::empty_body> head{beast::http::verb::get, what.head.target, 11};
  for (const auto& h : what.head.headers)
    head.insert(h.name, h.value);
  session->stream().async_accept(
    head, [session, opened = std::move(what.opened)](beast::error_code ec) {
      // Not kept: it may hold the application's objects.
      session->stream().set_option(
        beast::websocket::stream_base::decorator([](beast::websocket::response_type&) {}));
      if (ec) {
        session->failed();
        return;
      }
      if (opened && !session->finished())
        opened(session);
      session->run();
    });
}

} // namespace holt::http

// SPDX-License-Identifier: Apache-2.0
#include "transport/http_upgrade.hpp"

#include <algorithm>

namespace holt::http {

namespace {

bool list_has(std::string_view list, std::string_view word) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  while (true) {
    const auto end = std::min(list.find(','), list.size());
    auto piece = list.substr(0, end);
    while (!piece.empty() && (piece.front() == ' ' || piece.front() == '\t'))
      piece.remove_prefix(1);
    while (!piece.empty() && (piece.back() == ' ' || piece.back() == '\t'))
      piece.remove_suffix(1);
    if (piece.size() == word.size()
        && std::equal(piece.begin(), piece.end(), word.begin(),
                      [&](char a, char b) { return lower(a) == b; }))
      return true;
    if (end == list.size())
      return false;
    list.remove_prefix(end + 1);
  }
}

class pending_upgrade final : public upgrade {
public:
  pending_upgrade(std::shared_ptr<upgrade_host> host, request head)
    : host_{std::move(host)}, head_{std::move(head)} {}

  ~pending_upgrade() override {
    refuse(problem({errc::internal, "The upgrade was dropped without a decision."}));
  }

  const request& head() const override { return head_; }

  void accept(ws_limits limits, ws_handlers handlers, std::function<void(ws_ptr)> opened,
              std::vector<header> headers) override {
    if (decided_.exchange(true))
      return;
    ws_accept_request what;
    what.head = head_;
    what.limits = limits;
    what.handlers = std::move(handlers);
    what.opened = std::move(opened);
    what.headers = std::move(headers);
    host_->upgrade_accepted(std::move(what));
    host_.reset();
  }

  void refuse(response why) override {
    if (decided_.exchange(true))
      return;
    host_->upgrade_refused(std::move(why));
    host_.reset();
  }

private:
  std::shared_ptr<upgrade_host> host_;
  request head_;
  std::atomic<bool> decided_{false};
};

} // namespace

bool wants_websocket(const request& what) {
  for (const auto& h : what.headers)
    if (h.name.size() == 7 && list_has(h.name, "upgrade") && list_has(h.value, "websocket"))
      return true;
  return false;
}

result<void> check_upgrade(const request& what, const framing& frame) {
  const auto bad = [](const char* text) { return error{errc::upgrade_required, text}; };
  if (what.method != "GET" || frame.has_body())
    return bad("A WebSocket starts with a GET without a body.");
  if (!list_has(what.header_value("Connection"), "upgrade"))
    return bad("The header Connection must say Upgrade.");
  if (what.header_value("Sec-WebSocket-Version") != "13")
    return bad("The WebSocket version must be 13.");
  const auto key = what.header_value("Sec-WebSocket-Key");
  const auto keys = std::count_if(what.headers.begin(), what.headers.end(), [](const header& h) {
    return list_has(h.name, "sec-websocket-key");
  });
  constexpr std::string_view digits
    = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (keys != 1 || key.size() != 24 || !key.ends_with("==")
      || key.substr(0, 22).find_first_not_of(digits) != std::string_view::npos)
    return bad("Sec-WebSocket-Key must be 16 bytes in base64, once.");
  return {};
}

upgrade_ptr make_upgrade(std::shared_ptr<upgrade_host> host, request head) {
  return std::make_shared<pending_upgrade>(std::move(host), std::move(head));
}

} // namespace holt::http

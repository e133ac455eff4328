// SPDX-License-Identifier: Apache-2.0
#include "client/api.hpp"

#include <strings.h>

namespace holt::client {

namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr std::size_t max_json = 256 * 1024 * 1024; ///< a listing of 100,000 entries is 30 MB
constexpr std::size_t max_problem = 64 * 1024;
constexpr milliseconds quiet{60'000};

std::string advice(errc code) {
  switch (code) {
  case errc::token_invalid: return " (give it with --token or HOLT_TOKEN)";
  case errc::forbidden: return " (`holt token` makes another one)";
  case errc::desktop_runtime_inactive: return " (start it with `holt start desktop`)";
  default: return "";
  }
}

} // namespace

std::string header_of(const http::response& head, std::string_view name) {
  for (const auto& h : head.headers)
    if (h.name.size() == name.size() && strncasecmp(h.name.data(), name.data(), name.size()) == 0)
      return h.value;
  return {};
}

error refusal(unsigned status, std::string_view document) {
  auto body = json::parse(document, nullptr, false);
  if (!body.is_object())
    return {errc::internal, "the daemon answered " + std::to_string(status)};
  auto text = [&body](const char* name) {
    auto i = body.find(name);
    return i != body.end() && i->is_string() ? i->get<std::string>() : std::string{};
  };
  auto detail = text("detail").empty() ? text("title") : text("detail");
  if (detail.empty())
    detail = "refused with status " + std::to_string(status);
  const auto word = text("code");
  auto code = info(std::string_view{word}).code;
  // Words that only HTTP has, such as window_not_found.
  if (code == errc::internal && status == 404)
    code = errc::not_found;
  return {code, detail + advice(code)};
}

error refusal(exchange& from, const http::response& head) {
  auto text = from.rest(max_problem, milliseconds{10'000});
  return refusal(head.status, text ? *text : std::string{});
}

result<json> json_answer(exchange& from, milliseconds limit) {
  auto head = from.head(limit);
  if (!head)
    return head.error();
  if (head->status >= 300)
    return refusal(from, *head);
  auto text = from.rest(max_json, quiet);
  if (!text)
    return text.error();
  if (text->empty())
    return {boost::system::in_place_value, json::object()};
  auto body = json::parse(*text, nullptr, false);
  if (body.is_discarded())
    return error{errc::io, "what answers is no daemon of Holt: its answer is not JSON"};
  return {boost::system::in_place_value, std::move(body)};
}

result<json> api::call(const std::string& method, const std::string& target, const json& body,
                       milliseconds limit) const {
  auto one = exchange::open(to_, wake_fd_);
  if (!one)
    return one.error();
  outgoing what;
  what.method = method;
  what.target = target;
  what.headers.push_back({"Accept", "application/json"});
  if (!body.is_null()) {
    what.headers.push_back({"Content-Type", "application/json"});
    what.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
  }
  if (auto sent = (*one)->begin(what); !sent)
    return sent.error();
  return json_answer(**one, limit);
}

result<std::unique_ptr<exchange>> api::open(const outgoing& what, http::response& answer,
                                            milliseconds limit) const {
  auto one = exchange::open(to_, wake_fd_);
  if (!one)
    return one.error();
  if (auto sent = (*one)->begin(what); !sent)
    return sent.error();
  auto head = (*one)->head(limit);
  if (!head)
    return head.error();
  answer = std::move(*head);
  if (answer.status >= 300)
    return refusal(**one, answer);
  return one;
}

} // namespace holt::client

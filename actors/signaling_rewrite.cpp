// SPDX-License-Identifier: Apache-2.0
#include "actors/signaling_rewrite.hpp"

#include <algorithm>

namespace holt::signaling {

using nlohmann::json;

std::string text_of(const json& payload, const char* key) {
  auto i = payload.is_object() ? payload.find(key) : payload.end();
  return i != payload.end() && i->is_string() ? i->get<std::string>() : std::string{};
}

bool flag_of(const json& payload, const char* key) {
  auto i = payload.is_object() ? payload.find(key) : payload.end();
  return i != payload.end() && i->is_boolean() && i->get<bool>();
}

std::string id_of(const json& payload, const char* key) {
  if (!payload.is_object() || !payload.contains(key))
    return {};
  const auto& id = payload[key];
  return id.is_string() ? id.get<std::string>() : id.is_number_unsigned() ? id.dump() : "";
}

void remember_candidate(state& now, std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty() && words.size() < 6) {
    auto end = line.find(' ');
    words.push_back(line.substr(0, end));
    line = end == line.npos ? std::string_view{} : line.substr(end + 1);
  }
  if (words.size() < 6 || now.tried.size() >= max_tried)
    return;
  auto address = std::string{words[4]} + ":" + std::string{words[5]} + "/" + std::string{words[2]};
  if (std::find(now.tried.begin(), now.tried.end(), address) == now.tried.end())
    now.tried.push_back(std::move(address));
}

void remember_candidates(state& now, std::string_view sdp) {
  constexpr std::string_view mark = "a=candidate:";
  for (auto at = sdp.find(mark); at != sdp.npos; at = sdp.find(mark, at + mark.size())) {
    auto end = sdp.find_first_of("\r\n", at);
    remember_candidate(now, sdp.substr(at + 2, end == sdp.npos ? end : end - at - 2));
  }
}

std::string with_ice_server(const state& now, json message, const std::string& raw) {
  auto& payload = message["payload"];
  bool empty = !payload.contains("iceservers") || payload["iceservers"].empty();
  if (!empty || !now.who.published_client || now.engine.stun.empty())
    return raw;
  payload["iceservers"] = json::array({{{"urls", json::array({now.engine.stun})}}});
  return message.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string without_others(const state& now, json message) {
  auto& payload = message["payload"];
  if (payload.contains("sessions") && payload["sessions"].is_object()) {
    auto own = json::object();
    if (payload["sessions"].contains(now.session))
      own[now.session] = payload["sessions"][now.session];
    payload["sessions"] = std::move(own);
  }
  return message.dump(-1, ' ', false, json::error_handler_t::replace);
}

} // namespace holt::signaling

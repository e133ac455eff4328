// SPDX-License-Identifier: Apache-2.0
#include "broker/presence.hpp"

#include "messages/json_text.hpp"
#include "transport/digest.hpp"
#include "transport/secret.hpp"

#include <array>
#include <atomic>
#include <cstdint>

namespace holt::broker {

std::string meta_of(std::string_view payload, std::string_view ref, std::string_view previous) {
  std::string out = R"({"phx_ref":)";
  json_text::quote(out, ref);
  if (!previous.empty()) {
    out += R"(,"phx_ref_prev":)";
    json_text::quote(out, previous);
  }
  json_text::walker each{payload, json_text::walker::kind::object};
  while (each.next()) {
    if (each.key_is("phx_ref") || each.key_is("phx_ref_prev"))
      continue;
    out += ',';
    out += each.key();
    out += ':';
    out += each.value();
  }
  out += '}';
  return out;
}

std::string presence_of(const std::vector<const tracked*>& all) {
  std::map<std::string_view, std::string> metas;
  for (const auto* one : all) {
    auto& list = metas[one->key];
    if (!list.empty())
      list += ',';
    list += one->meta;
  }
  std::string out = "{";
  for (const auto& [key, list] : metas) {
    if (out.size() > 1)
      out += ',';
    json_text::quote(out, key);
    out += R"(:{"metas":[)" + list + "]}";
  }
  return out + "}";
}

std::string presence_diff(const tracked* joins, const tracked* leaves) {
  const auto side
    = [](const tracked* one) { return one == nullptr ? std::string{"{}"} : presence_of({one}); };
  return R"({"joins":)" + side(joins) + R"(,"leaves":)" + side(leaves) + "}";
}

std::string new_ref() {
  static const auto birth = new_uuid().substr(0, 8);
  static std::atomic<std::uint64_t> last{0};
  return birth + "-" + std::to_string(++last);
}

std::string new_uuid() {
  std::array<unsigned char, 16> bytes{};
  random_bytes(bytes);
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  auto out = to_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  for (std::size_t at : {20U, 16U, 12U, 8U})
    out.insert(at, 1, '-');
  return out;
}

} // namespace holt::broker

// SPDX-License-Identifier: Apache-2.0
#include "stream/ice.hpp"

#include "transport/secret.hpp"

namespace holt::stream {

std::string random_ice_text(std::size_t n) {
  static constexpr std::string_view alphabet
    = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text(n, '\0');
  random_bytes({reinterpret_cast<unsigned char*>(text.data()), text.size()});
  for (auto& c : text)
    c = alphabet[static_cast<unsigned char>(c) & 63U];
  return text;
}

std::string_view local_ufrag(const stun_request& request) noexcept {
  auto colon = request.username.find(':');
  return colon == std::string_view::npos ? std::string_view{} : request.username.substr(0, colon);
}

ice_agent::verdict ice_agent::check(bytes_view message, const stun_request& request,
                                    const udp_endpoint& from, steady_time now, bytes_span out) {
  if (local_ufrag(request) != ufrag_
      || (!remote_ufrag_.empty() && request.username.substr(ufrag_.size() + 1) != remote_ufrag_)
      || !stun_integrity_holds(message, request, password_))
    return {};
  verdict done;
  done.reply_bytes = write_stun_success(out, request.transaction, from, password_);
  if (done.reply_bytes == 0)
    return {};
  last_check_ = now;
  if (!route_ || (request.use_candidate && *route_ != from)) {
    route_ = from;
    done.route_changed = true;
  }
  return done;
}

} // namespace holt::stream

// SPDX-License-Identifier: Apache-2.0
#include "broker/keys.hpp"

#include "transport/digest.hpp"
#include "transport/json_guard.hpp"

#include <algorithm>

namespace holt::broker {

namespace {

constexpr std::string_view sandbox_prefix = "sandbox:";
constexpr std::size_t max_token = 16 * 1024; ///< bytes

error refused(std::string why) {
  return {errc::token_invalid, std::move(why)};
}

std::optional<mac_kind> digest_of(const nlohmann::json& header) {
  const auto alg = header.is_object() ? header.find("alg") : header.end();
  if (!header.is_object() || alg == header.end() || !alg->is_string())
    return std::nullopt;
  const auto& name = alg->get_ref<const std::string&>();
  if (name == "HS256")
    return mac_kind::sha256;
  if (name == "HS384")
    return mac_kind::sha384;
  if (name == "HS512")
    return mac_kind::sha512;
  return std::nullopt;
}

result<nlohmann::json> part(std::string_view text) {
  const auto bytes = from_base64url(text);
  if (!bytes)
    return bytes.error();
  return http::parse_json(*bytes);
}

} // namespace

bool is_sandbox(std::string_view name) noexcept {
  return name.starts_with(sandbox_prefix);
}

std::int64_t now_seconds() noexcept {
  return std::chrono::duration_cast<std::chrono::seconds>(
           std::chrono::system_clock::now().time_since_epoch())
    .count();
}

side claims::which() const noexcept {
  if (role == "daemon")
    return side::daemon;
  return role == "agent" ? side::agent : side::unknown;
}

bool claims::may_enter(std::string_view name) const noexcept {
  if (role == "daemon")
    return true;
  if (role == "agent")
    return is_sandbox(name) && name.substr(sandbox_prefix.size()) == session;
  return !is_sandbox(name);
}

std::optional<std::string> claims::expired(std::int64_t now) const {
  if (!exp || now < *exp)
    return std::nullopt;
  return "Token has expired " + std::to_string(now - *exp) + " seconds ago";
}

keyring::keyring(log::secret secret, bool any_key)
  : secret_{std::move(secret)}, any_key_{any_key} {}

result<claims> keyring::read(std::string_view token) const {
  if (token.empty())
    return refused("MalformedJWT: The token is missing");
  auto got = verify(token);
  if (got || !any_key_)
    return got;
  claims out; // never more than an app: a sandbox is entered with a key of ours only
  out.role = "app";
  return out;
}

result<claims> keyring::verify(std::string_view token) const {
  const auto malformed = refused("MalformedJWT: The token provided is not a valid JWT");
  if (token.size() > max_token)
    return malformed;
  const auto first = token.find('.');
  const auto second = first == token.npos ? first : token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos)
    return malformed;
  const auto header = part(token.substr(0, first));
  const auto body = part(token.substr(first + 1, second - first - 1));
  const auto mac = from_base64url(token.substr(second + 1));
  if (!header || !body || !body->is_object() || !mac)
    return malformed;
  const auto how = digest_of(*header);
  if (!how)
    return refused("JwtSignerError: Failed to generate JWT signer, check your JWT secret or JWKS");
  const auto right = hmac(*how, secret_.reveal(), token.substr(0, second));
  if (secret_.empty() || !equal_secrets(*mac, right))
    return refused("JwtSignatureError: Failed to validate JWT signature");
  const auto role = body->find("role");
  const auto exp = body->find("exp");
  const auto iat = body->find("iat");
  if (role == body->end() || !role->is_string() || exp == body->end() || !exp->is_number_integer())
    return refused("InvalidJWTToken: Fields `role` and `exp` are required in JWT");
  if (iat != body->end() && !iat->is_number())
    return refused("InvalidJWTToken: The claim `iat` must be a number");
  claims out;
  out.role = role->get<std::string>();
  // A number above the range of int64 is far away, too.
  out.exp = exp->is_number_unsigned() ? static_cast<std::int64_t>(std::min<std::uint64_t>(
              exp->get<std::uint64_t>(), std::numeric_limits<std::int64_t>::max()))
                                      : exp->get<std::int64_t>();
  if (const auto session = body->find("session"); session != body->end() && session->is_string())
    out.session = session->get<std::string>();
  if (const auto why = out.expired(now_seconds()))
    return refused("InvalidJWTToken: " + *why);
  return out;
}

std::string keyring::make(std::string_view role, std::string_view session,
                          std::chrono::seconds life) const {
  nlohmann::json body{{"iss", "holt"},
                      {"role", std::string{role}},
                      {"iat", now_seconds()},
                      {"exp", now_seconds() + life.count()}};
  if (!session.empty())
    body["session"] = std::string{session};
  auto out
    = to_base64url(R"({"alg":"HS256","typ":"JWT"})") + "." + to_base64url(http::dump_safe(body));
  return out + "." + to_base64url(hmac(mac_kind::sha256, secret_.reveal(), out));
}

} // namespace holt::broker

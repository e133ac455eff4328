// SPDX-License-Identifier: Apache-2.0
#include "link/realtime_errors.hpp"

#include "transport/json_guard.hpp"
#include "transport/url.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace holt::link::realtime {

namespace {

struct known {
  std::string_view code;
  failure kind;
  errc word;
  std::string_view sentence;
};

constexpr std::array<known, 22> codes{{
  {"MalformedJWT", failure::fatal, errc::token_invalid,
   "Realtime says that the token is no JWT. Check link.token_command, or link.key."},
  {"JwtSignatureError", failure::fatal, errc::token_invalid,
   "Realtime does not know the key that signed the token: it is of another project, or the secret "
   "was rotated."},
  {"JwtSignerError", failure::fatal, errc::token_invalid,
   "Realtime cannot check the token's signature: its algorithm or key is not configured there."},
  {"Unauthorized", failure::fatal, errc::forbidden,
   "The token may not read this channel. Check the policies on realtime.messages."},
  {"TenantNotFound", failure::fatal, errc::config,
   "Realtime does not know this project. Check link.url."},
  {"RealtimeDisabledForTenant", failure::fatal, errc::config,
   "Realtime is switched off for this project."},
  {"PrivateOnly", failure::fatal, errc::config,
   "This project takes private channels only. Set link.private."},
  {"TopicNameRequired", failure::fatal, errc::config,
   "The channel has no name. Check link.session."},
  {"UnableToReplayMessages", failure::fatal, errc::config,
   "This channel cannot replay messages: it is public."},
  {"InvalidJWTToken", failure::fatal, errc::token_invalid, "Realtime refused the token."},
  {"ConnectionRateLimitReached", failure::rate, errc::too_many_requests,
   "The project has as many connections as its plan allows."},
  {"ClientJoinRateLimitReached", failure::rate, errc::too_many_requests,
   "The project has more joins a second than its plan allows."},
  {"ChannelRateLimitReached", failure::rate, errc::too_many_requests,
   "This connection has more channels than the plan allows."},
  {"MessagePerSecondRateLimitReached", failure::rate, errc::too_many_requests,
   "The project has more messages a second than its plan allows."},
  {"PresenceRateLimitReached", failure::rate, errc::too_many_requests,
   "The project has more presence messages a second than its plan allows."},
  {"ClientPresenceRateLimitReached", failure::rate, errc::too_many_requests,
   "This client sent more presence messages than the plan allows."},
  {"IncreaseConnectionPool", failure::rate, errc::busy,
   "Realtime's database has too few connections in its pool."},
  {"DatabaseLackOfConnections", failure::rate, errc::busy,
   "Realtime's database has no connection left."},
  {"DatabaseConnectionRateLimitReached", failure::rate, errc::busy,
   "Realtime connects to its database too often."},
  {"InitializingProjectConnection", failure::retry, errc::busy,
   "Realtime is still connecting to the project's database."},
  {"UnableToConnectToProject", failure::retry, errc::io,
   "Realtime cannot connect to the project's database."},
  {"RealtimeRestarting", failure::retry, errc::io, "Realtime is restarting."},
}};

/// Messages of `system` events, by what they hold.
constexpr std::array<known, 8> messages{{
  {"Too many messages per second", failure::rate, errc::too_many_requests,
   "The project had more messages a second than its plan allows."},
  {"Too many presence messages per second", failure::rate, errc::too_many_requests,
   "The project had more presence messages a second than its plan allows."},
  {"presence rate limit", failure::rate, errc::too_many_requests,
   "This client sent more presence messages than the plan allows."},
  {"Track message size exceeded", failure::rate, errc::payload_too_large,
   "Realtime finds this daemon's presence too large."},
  {"`role` and `exp`", failure::fatal, errc::token_invalid,
   "The token lacks the claims role and exp."},
  {"do not have permissions", failure::fatal, errc::forbidden,
   "The token may not read this channel. Check the policies on realtime.messages."},
  {"no longer have permission", failure::fatal, errc::forbidden,
   "The token may not read this channel any more."},
  {"unable to connect to the project database", failure::retry, errc::io,
   "Realtime cannot connect to the project's database."},
}};

bool holds(std::string_view text, std::string_view word) {
  return std::search(text.begin(), text.end(), word.begin(), word.end(),
                     [](char a, char b) {
                       return std::tolower(static_cast<unsigned char>(a))
                              == std::tolower(static_cast<unsigned char>(b));
                     })
         != text.end();
}

std::string with(std::string_view sentence, std::string_view theirs) {
  const auto text = shown(theirs);
  return text.empty() ? std::string{sentence} : std::string{sentence} + " (" + text + ")";
}

verdict expired_token(std::string_view theirs) {
  return {failure::expired, {errc::token_invalid, with("The token has expired.", theirs)}};
}

} // namespace

std::string shown(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 200))
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  // Cut between characters; what is no UTF-8 anyhow becomes ASCII.
  for (int i = 0; i < 4 && !out.empty() && text.size() > 200 && !url::valid_utf8(out); ++i)
    out.pop_back();
  if (!url::valid_utf8(out))
    for (char& c : out)
      if (static_cast<unsigned char>(c) >= 0x80)
        c = '?';
  return out;
}

verdict judge_join(std::string_view reason) {
  // The docs and the server spell the code of an expired token differently.
  if (holds(reason, "expired") || holds(reason, "InvalidJWTExpiration"))
    return expired_token(reason);
  const auto code = reason.substr(0, std::min(reason.find(':'), reason.size()));
  for (const auto& one : codes)
    if (code == one.code)
      return {one.kind, {one.word, with(one.sentence, reason)}};
  // Written without a code where the read policy failed.
  for (const auto& one : messages)
    if (holds(reason, one.code))
      return {one.kind, {one.word, with(one.sentence, reason)}};
  return {failure::retry, {errc::io, with("Realtime refused the join.", reason)}};
}

verdict judge_system(std::string_view message) {
  if (holds(message, "expired"))
    return expired_token(message);
  for (const auto& one : messages)
    if (holds(message, one.code))
      return {one.kind, {one.word, with(one.sentence, message)}};
  return {failure::retry, {errc::io, with("Realtime closed the channel.", message)}};
}

verdict judge_refusal(unsigned status, std::string_view body) {
  std::string theirs;
  if (const auto json = http::parse_json(body); json && json->is_object())
    for (const auto* const name : {"error", "message"})
      if (const auto it = json->find(name); it != json->end() && it->is_string())
        theirs = it->get<std::string>();
  const auto number = "status " + std::to_string(status);
  theirs = theirs.empty() ? number : number + ": " + theirs;
  switch (status) {
  case 401:
    return {failure::fatal,
            {errc::token_invalid, with("Realtime refused the key. Check link.key.", theirs)}};
  case 403:
    return {failure::fatal,
            {errc::forbidden,
             with("Realtime refused the connection: the project is suspended, or the key is not "
                  "for it.",
                  theirs)}};
  case 404:
    return {failure::fatal,
            {errc::config, with("There is no Realtime at this address. Check link.url.", theirs)}};
  case 429:
    return {failure::rate,
            {errc::too_many_requests, with("Realtime takes no more connections now.", theirs)}};
  default: return {failure::retry, {errc::io, with("Realtime refused the connection.", theirs)}};
  }
}

} // namespace holt::link::realtime

// SPDX-License-Identifier: Apache-2.0
#include "transport/auth.hpp"

#include "transport/digest.hpp"
#include "transport/secret.hpp"

#include <openssl/crypto.h>

#include <algorithm>

namespace holt::http {

namespace {

constexpr std::array<std::pair<scope, std::string_view>, 5> scope_words{{{scope::view, "view"},
                                                                         {scope::input, "input"},
                                                                         {scope::fs, "fs"},
                                                                         {scope::exec, "exec"},
                                                                         {scope::admin, "admin"}}};

std::string_view bearer(const request& head) {
  constexpr std::string_view prefix = "Bearer ";
  auto value = head.header_value("authorization");
  return value.substr(0, prefix.size()) == prefix ? value.substr(prefix.size())
                                                  : std::string_view{};
}

std::string set_cookie(const std::string& name, std::string_view value, std::chrono::seconds life) {
  return name + "=" + std::string{value}
         + "; Path=/; HttpOnly; "
           "SameSite=Strict; Max-Age="
         + std::to_string(life.count());
}

bool safe_method(const std::string& method) {
  return method == "GET" || method == "HEAD";
}

} // namespace

std::vector<std::string> words(scopes what) {
  std::vector<std::string> out;
  for (auto [one, word] : scope_words)
    if (what.has(one))
      out.emplace_back(word);
  return out;
}

std::optional<scope> scope_of(std::string_view word) {
  for (auto [one, name] : scope_words)
    if (name == word)
      return one;
  return std::nullopt;
}

std::string to_string(scopes what) {
  std::string out;
  for (const auto& word : words(what))
    out += (out.empty() ? "" : " ") + word;
  return out;
}

std::string session_cookie(const request& head) {
  std::string out = "holt_session";
  const auto host = head.header_value("host");
  const auto colon = host.rfind(':');
  if (colon == host.npos || host.find(']', colon) != host.npos)
    return out;
  const auto port = host.substr(colon + 1);
  const bool good
    = !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == port.npos;
  return good ? out + "_" + std::string{port} : out;
}

std::string_view cookie_value(std::string_view header, std::string_view name) {
  while (!header.empty()) {
    auto end = header.find(';');
    auto part = header.substr(0, end);
    header = end == header.npos ? std::string_view{} : header.substr(end + 1);
    while (!part.empty() && part.front() == ' ')
      part.remove_prefix(1);
    if (part.size() > name.size() && part.substr(0, name.size()) == name
        && part[name.size()] == '=')
      return part.substr(name.size() + 1);
  }
  return {};
}

/// Holds the lock; once it is free, tells those whose session ended meanwhile.
class authority::hold {
public:
  explicit hold(authority& who) : who_{who}, lock_{who.mutex_} {}
  hold(const hold&) = delete;
  hold& operator=(const hold&) = delete;
  ~hold() {
    const auto ended = std::move(who_.ended_);
    who_.ended_.clear();
    lock_.unlock();
    for (const auto& one : ended)
      one();
  }

private:
  authority& who_;
  std::unique_lock<std::mutex> lock_;
};

authority::authority(const log::secret& first, guard_policy guard, auth_limits limits, clock now,
                     wall_clock wall)
  : guard_{std::move(guard)}, limits_{limits}, now_{std::move(now)}, wall_{std::move(wall)} {
  tokens_[sha256_bytes(first.reveal())]
    = {all_scopes, "", std::chrono::steady_clock::time_point::max(), true};
}

// The digest is compared byte for byte in constant time although it is a map's key: the search
// itself tells at most something about digests, never about secrets.
const authority::entry* authority::find(table& where, std::string_view secret) {
  if (secret.empty() || secret.size() > 512)
    return nullptr;
  auto key = sha256_bytes(secret);
  auto i = where.lower_bound(key);
  if (i == where.end() || CRYPTO_memcmp(i->first.data(), key.data(), key.size()) != 0)
    return nullptr;
  if (over(i->second)) {
    drop(where, i);
    return nullptr;
  }
  return &i->second;
}

// What is kept beyond a restart ends by the wall clock: the other one begins anew.
bool authority::over(const entry& what) const {
  return what.until < now_() || (what.until_wall && *what.until_wall <= wall_());
}

bool authority::too_many(const std::string& address) {
  auto i = failures_.find(address);
  if (i == failures_.end())
    return false;
  auto from = now_() - std::chrono::minutes{1};
  while (!i->second.empty() && i->second.front() < from)
    i->second.pop_front();
  if (i->second.empty()) {
    failures_.erase(i);
    return false;
  }
  return i->second.size() >= limits_.failures_per_minute;
}

// The one that was wrong longest ago; all of those whose minute is over when there are such.
void authority::forget_an_address() {
  auto from = now_() - std::chrono::minutes{1};
  std::erase_if(failures_, [&](const auto& one) { return one.second.back() < from; });
  if (failures_.size() < limits_.max_addresses || failures_.empty())
    return;
  failures_.erase(
    std::min_element(failures_.begin(), failures_.end(), [](const auto& a, const auto& b) {
      return a.second.back() < b.second.back();
    }));
}

error authority::refuse(const request& head, const char* why) {
  auto address = head.peer.address().to_string();
  if (too_many(address))
    return {errc::too_many_requests, "too many wrong tokens from this address; wait a minute"};
  if (failures_.size() >= limits_.max_addresses && !failures_.contains(address))
    forget_an_address();
  failures_[address].push_back(now_());
  return {errc::token_invalid, why};
}

result<void> authority::cookie_origin(const request& head, bool websocket) const {
  if (!websocket && safe_method(head.method))
    return {};
  auto origin = head.header_value("origin");
  auto kind = check_origin(guard_, head.path, head.header_value("host"), origin);
  if (!kind)
    return kind.error();
  if (*kind == origin_kind::same || *kind == origin_kind::listed)
    return {};
  return error{errc::origin_refused, "a browser session needs the Origin of the page"};
}

result<identity> authority::look(const request& head, bool websocket, bool use_up) {
  const hold here{*this};
  auto as = [](const entry& found, credential kind) {
    identity who{found.scopes, kind, found.name, false};
    who.session = kind == credential::ticket ? found.parent : found.serial;
    who.until = found.until_wall;
    return who;
  };
  if (auto token = bearer(head); !token.empty()) {
    if (const auto* found = find(tokens_, token))
      return as(*found, credential::token);
    return refuse(head, "the token is wrong");
  }
  // A URL ends in logs and histories: only where a browser can send no header.
  if (auto token = head.query_value("access_token"); token && websocket) {
    if (const auto* found = find(tokens_, *token)) {
      auto who = as(*found, credential::token);
      who.came_with_access_token = true;
      return who;
    }
    return refuse(head, "the token is wrong");
  }
  if (auto ticket = head.query_value("ticket"); ticket && websocket) {
    if (const auto* found = find(tickets_, *ticket)) {
      auto who = as(*found, credential::ticket);
      if (use_up && !found->reusable)
        tickets_.erase(sha256_bytes(*ticket));
      return who;
    }
    return refuse(head, "the ticket is used up or too old; `holt open` makes another");
  }
  auto cookie = cookie_value(head.header_value("cookie"), session_cookie(head));
  if (const auto* found = find(sessions_, cookie)) {
    if (auto origin = cookie_origin(head, websocket); !origin)
      return origin.error();
    return as(*found, credential::session);
  }
  if (!websocket && head.query_value("access_token"))
    return error{errc::token_invalid,
                 "access_token is for WebSockets; send Authorization: Bearer …"};
  // Nothing was tried, so nothing is counted.
  return error{errc::token_invalid, "a token is needed: Authorization: Bearer …"};
}

result<identity> authority::identify(const request& head, bool websocket) {
  return look(head, websocket, false);
}

bool authority::knows(const request& head) {
  const hold here{*this};
  return find(tokens_, bearer(head)) != nullptr
         || find(sessions_, cookie_value(head.header_value("cookie"), session_cookie(head)))
              != nullptr;
}

result<identity> authority::consume(const request& head) {
  return look(head, true, true);
}

void authority::tell_end(std::uint64_t serial) {
  for (auto i = watchers_.begin(); i != watchers_.end();) {
    if (i->second.session != serial) {
      ++i;
      continue;
    }
    ended_.push_back(std::move(i->second.ended));
    i = watchers_.erase(i);
  }
}

authority::table::iterator authority::drop(table& where, table::iterator what) {
  const auto serial = what->second.serial;
  auto next = where.erase(what);
  if (&where != &tickets_)
    tell_end(serial);
  if (&where == &tokens_)
    end_children(serial);
  return next;
}

void authority::end_children(std::uint64_t parent) {
  for (auto* where : {&tickets_, &sessions_})
    for (auto i = where->begin(); i != where->end();)
      i = i->second.parent == parent ? drop(*where, i) : std::next(i);
}

void authority::sweep() {
  for (auto* where : {&tokens_, &tickets_, &sessions_})
    for (auto i = where->begin(); i != where->end();)
      i = over(i->second) ? drop(*where, i) : std::next(i);
}

void authority::add_token(const scoped_token& what) {
  const hold here{*this};
  entry one{what.scopes, what.name, std::chrono::steady_clock::time_point::max(), true};
  one.serial = ++serial_;
  one.until_wall = what.until;
  tokens_[what.digest] = std::move(one);
}

void authority::drop_token(const scoped_token& what) {
  const hold here{*this};
  if (auto i = tokens_.find(what.digest); i != tokens_.end())
    drop(tokens_, i);
}

// Room for one more: without the old ones, else without the oldest. A ticket that may be used
// again belongs to somebody who relies on it: it goes last.
void authority::make_room(table& where, std::size_t most, bool keep_reusable) {
  if (where.size() >= most)
    sweep();
  while (!where.empty() && where.size() >= most)
    drop(where, std::min_element(where.begin(), where.end(), [&](const auto& a, const auto& b) {
           bool later_a = keep_reusable && a.second.reusable;
           bool later_b = keep_reusable && b.second.reusable;
           return later_a != later_b ? later_b : a.second.serial < b.second.serial;
         }));
}

std::string authority::make_ticket(scopes what, bool reusable, const identity& maker) {
  const hold here{*this};
  auto text = random_secret();
  make_room(tickets_, limits_.max_tickets, true);
  auto until
    = reusable ? std::chrono::steady_clock::time_point::max() : now_() + limits_.ticket_life;
  tickets_[sha256_bytes(text)] = {what, "", until, reusable, ++serial_, maker.session, maker.until};
  return text;
}

result<authority::opened_session>
authority::open_session(const request& head, const std::string& ticket, const std::string& token) {
  const hold here{*this};
  entry found;
  if (const auto* known = find(tickets_, ticket)) {
    found = *known;
    if (!known->reusable)
      tickets_.erase(sha256_bytes(ticket));
  } else if (const auto* one = find(tokens_, token)) {
    found = *one;
    found.parent = found.serial;
  } else {
    return refuse(head, ticket.empty()
                          ? "the token is wrong"
                          : "the link is used up or too old; `holt open` makes another");
  }
  const auto name = session_cookie(head);
  const auto before = cookie_value(head.header_value("cookie"), name);
  // Signing out later ends also what was opened with the session before.
  const auto serial = ++serial_;
  if (const auto* old = find(sessions_, before)) {
    for (auto& [id, one] : watchers_)
      if (one.session == old->serial)
        one.session = serial;
    drop(sessions_, sessions_.find(sha256_bytes(before)));
  }
  make_room(sessions_, limits_.max_sessions, false);
  auto text = random_secret();
  found.reusable = true;
  found.serial = serial;
  found.until = now_() + limits_.session_life;
  sessions_[sha256_bytes(text)] = found;
  identity who{found.scopes, credential::session, found.name,
               false,        found.serial,        found.until_wall};
  return opened_session{std::move(who), set_cookie(name, text, limits_.session_life)};
}

std::string authority::close_session(const request& head) {
  const hold here{*this};
  const auto name = session_cookie(head);
  const auto cookie = cookie_value(head.header_value("cookie"), name);
  if (find(sessions_, cookie))
    drop(sessions_, sessions_.find(sha256_bytes(cookie)));
  return set_cookie(name, "", std::chrono::seconds{0});
}

std::uint64_t authority::watch(std::uint64_t session, std::function<void()> ended) {
  const hold here{*this};
  bool lives = false;
  for (const auto* where : {&sessions_, &tokens_})
    lives = lives || std::any_of(where->begin(), where->end(), [&](const auto& one) {
              return one.second.serial == session && !over(one.second);
            });
  if (!lives)
    return 0;
  watchers_.emplace(++serial_, watcher{session, std::move(ended)});
  return serial_;
}

void authority::forget(std::uint64_t watch) {
  const hold here{*this};
  watchers_.erase(watch);
}

std::optional<std::chrono::steady_clock::time_point> authority::expire() {
  const hold here{*this};
  sweep();
  std::optional<std::chrono::steady_clock::time_point> out;
  auto sooner
    = [&](std::chrono::steady_clock::time_point when) { out = out ? std::min(*out, when) : when; };
  for (const auto& [key, one] : sessions_)
    sooner(one.until);
  for (const auto* where : {&tokens_, &sessions_})
    for (const auto& [key, one] : *where)
      if (one.until_wall) // the wall clock may be set: look again in a minute at the latest
        sooner(now_()
               + std::min<std::chrono::steady_clock::duration>(
                 std::chrono::minutes{1},
                 std::max<std::chrono::system_clock::duration>(*one.until_wall - wall_(),
                                                               std::chrono::milliseconds{0})));
  return out;
}

} // namespace holt::http

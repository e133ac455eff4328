// SPDX-License-Identifier: Apache-2.0

// The HTTP half of Realtime: broadcast of a batch, broadcast of one message, ping; CORS for pages
// anywhere, since the key is the credential. Every refusal says what was wrong and where. An answer
// of 202 comes once what went into a mailbox is on disk.

#include "broker/hub.hpp"
#include "messages/json_text.hpp"
#include "transport/url.hpp"

#include <algorithm>
#include <atomic>

namespace holt::broker {

namespace {

using json_text::member;
using json_text::walker;

constexpr std::size_t max_messages = 1'000; ///< of one batch

http::response plain(unsigned status, std::string body = {}) {
  http::response out;
  out.status = status;
  out.headers = {{"Access-Control-Allow-Origin", "*"}};
  if (!body.empty()) {
    out.headers.push_back({"Content-Type", "application/json"});
    out.body = share(std::move(body));
  }
  return out;
}

http::response said(unsigned status, std::string_view name, std::string_view text) {
  return plain(status, "{" + json_text::quoted(name) + ":" + json_text::quoted(text) + "}");
}

http::response preflight(const http::request& what) {
  auto out = plain(204);
  const auto asked = what.header_value("Access-Control-Request-Headers");
  out.headers.push_back({"Access-Control-Allow-Methods", "GET, POST, OPTIONS"});
  out.headers.push_back(
    {"Access-Control-Allow-Headers",
     asked.empty() ? "authorization, apikey, content-type, x-client-info" : std::string{asked}});
  out.headers.push_back({"Access-Control-Max-Age", "86400"});
  return out;
}

/// One message of a batch.
struct post {
  std::string name;
  phoenix::user_message message;
  bool is_private = false;
};

bool truth(std::optional<std::string_view> value) {
  return value && (*value == "true" || *value == R"("true")");
}

/// What is wrong with one message, as `field: why`; empty when nothing is.
std::string read_post(std::string_view text, std::size_t max_payload, post& out) {
  if (!json_text::is_object(text))
    return "must be an object";
  const auto field = [&](std::string_view name) {
    const auto value = member(text, name);
    return value ? json_text::unquote(*value) : std::nullopt;
  };
  const auto topic = field("topic");
  if (!topic || topic->empty())
    return "topic: must be a string that is not empty";
  const auto event = field("event");
  if (!event || event->empty())
    return "event: must be a string that is not empty";
  const auto payload = member(text, "payload");
  if (!payload)
    return "payload: is missing";
  if (!json_text::is_object(*payload))
    return "payload: must be an object";
  if (payload->size() > max_payload)
    return "payload: is larger than " + std::to_string(max_payload) + " bytes";
  // Bare by contract; with its prefix by some.
  out.name = topic->starts_with("realtime:") ? topic->substr(9) : *topic;
  out.message.event = *event;
  out.message.payload = *payload;
  if (const auto id = field("id"))
    out.message.id = *id;
  out.is_private = truth(member(text, "private"));
  return {};
}

/// Answers once everything that went into mailboxes is on disk.
class all_on_disk : public std::enable_shared_from_this<all_on_disk> {
public:
  explicit all_on_disk(http::reply answer) : answer_{std::move(answer)} {}
  std::function<void(bool)> one_more() {
    return [self = shared_from_this()](bool good) {
      if (!good)
        self->failed_ = true;
      self->done();
    };
  }
  void expect() { ++open_; }
  void done() {
    if (--open_ == 0)
      answer_(failed_ ? said(500, "message", "the mailbox cannot be written") : plain(202));
  }

private:
  http::reply answer_;
  std::atomic<std::size_t> open_{1};
  std::atomic<bool> failed_{false};
};

void publish(hub& whose, const claims& who, std::vector<post> all, http::reply answer) {
  for (const auto& one : all)
    if (!who.may_enter(one.name)) {
      answer(
        said(403, "message", "Unauthorized: this key may not write to the channel " + one.name));
      return;
    }
  const auto wait = std::make_shared<all_on_disk>(std::move(answer));
  for (auto& one : all) {
    phoenix::frame frame;
    frame.topic = "realtime:" + one.name;
    frame.event = "broadcast";
    frame.user_event = one.message.event;
    frame.payload = std::move(one.message.payload);
    frame.binary = one.message.binary;
    if (!one.message.id.empty())
      frame.metadata = R"({"id":)" + json_text::quoted(one.message.id) + "}";
    wait->expect();
    const auto became
      = whose.say(one.name, one.is_private, is_sandbox(one.name) ? who.which() : side::unknown,
                  std::make_shared<outgoing>(std::move(frame)), wait->one_more());
    if (!became.stored)
      wait->done();
  }
  wait->done();
}

void batch(hub& whose, const claims& who, const http::request& what, http::reply answer) {
  const auto body = json_text::whole_value(what.body);
  if (!body || !json_text::is_object(*body)) {
    answer(said(400, "message", "The body is not a JSON object."));
    return;
  }
  const auto list = member(*body, "messages");
  std::vector<post> all;
  std::string errors;
  if (!list || list->front() != '[')
    errors = R"({"messages":"must be a list"})";
  else
    for (walker each{*list, walker::kind::array}; errors.empty() && each.next();) {
      post one;
      const auto why = read_post(each.value(), whose.how().max_payload, one);
      if (!why.empty() || all.size() == max_messages)
        errors = R"({"messages[)" + std::to_string(all.size())
                 + "]\":" + json_text::quoted(why.empty() ? "too many messages" : why) + "}";
      else
        all.push_back(std::move(one));
    }
  if (!errors.empty()) {
    answer(plain(422, R"({"errors":)" + errors + "}"));
    return;
  }
  publish(whose, who, std::move(all), std::move(answer));
}

bool has_type(std::string_view header, std::string_view type) {
  const auto end = header.find_first_of("; ");
  header = header.substr(0, end);
  if (header.size() != type.size())
    return false;
  for (std::size_t i = 0; i < type.size(); ++i)
    if ((header[i] >= 'A' && header[i] <= 'Z' ? header[i] + 32 : header[i]) != type[i])
      return false;
  return true;
}

void single(hub& whose, const claims& who, http::request what, const std::string& topic,
            const std::string& event, http::reply answer) {
  post one;
  one.name = topic.starts_with("realtime:") ? topic.substr(9) : topic;
  one.message.event = event;
  const auto flag = what.query_value("private");
  one.is_private = flag && *flag == "true";
  if (one.name.empty() || event.empty()) {
    answer(said(422, "errors", "topic and event must not be empty"));
    return;
  }
  if (what.body.size() > whose.how().max_payload) {
    answer(plain(422, R"({"errors":{"payload":"is larger than )"
                        + std::to_string(whose.how().max_payload) + R"( bytes"}})"));
    return;
  }
  const auto type = what.header_value("Content-Type");
  if (has_type(type, "application/octet-stream")) {
    one.message.binary = true;
    one.message.payload = std::move(what.body);
  } else if (type.empty() || has_type(type, "application/json")) {
    const auto value = json_text::whole_value(what.body);
    if (!value) {
      answer(plain(422, R"({"errors":{"payload":"is not JSON"}})"));
      return;
    }
    one.message.payload = *value;
  } else {
    answer(said(415, "error", "Content-Type must be application/json or application/octet-stream"));
    return;
  }
  std::vector<post> all;
  all.push_back(std::move(one));
  publish(whose, who, std::move(all), std::move(answer));
}

/// Segments of a path, decoded; a topic may have a slash in it, so this is not request::segments().
result<std::vector<std::string>> decoded(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto end = std::min(path.find('/'), path.size());
    auto one = url::percent_decode(path.substr(0, end));
    if (!one || !url::valid_utf8(*one))
      return error{errc::invalid_request, "malformed path"};
    out.push_back(std::move(*one));
    path.remove_prefix(end);
  }
  return out;
}

} // namespace

std::string_view key_of(const http::request& what) {
  auto bearer = what.header_value("Authorization");
  constexpr std::string_view scheme = "bearer ";
  if (bearer.size() > scheme.size()) {
    bool same = true;
    for (std::size_t i = 0; i < scheme.size(); ++i)
      same = same && (bearer[i] | 0x20) == (scheme[i] | 0x20);
    if (same) {
      bearer.remove_prefix(scheme.size());
      while (!bearer.empty() && bearer.front() == ' ')
        bearer.remove_prefix(1);
      return bearer;
    }
  }
  return what.header_value("apikey");
}

void answer_http(const std::shared_ptr<hub>& whose, http::request what, http::reply answer) {
  const auto all = decoded(what.path);
  if (!all) {
    answer(said(400, "message", "The path is malformed."));
    return;
  }
  // …/api/broadcast[/{topic}/events/{event}] or …/api/ping, below any prefix.
  const auto api = std::find(all->begin(), all->end(), "api");
  const auto at = static_cast<std::size_t>(api - all->begin()) + (api == all->end() ? 0 : 1);
  const auto rest = all->size() - at;
  const auto part = [&](std::size_t i) -> const std::string& { return (*all)[at + i]; };
  const bool ping = rest == 1 && part(0) == "ping";
  const bool many = rest == 1 && part(0) == "broadcast";
  const bool one = rest == 4 && part(0) == "broadcast" && part(2) == "events";
  if (!ping && !many && !one) {
    answer(said(404, "message", "There is no such route."));
    return;
  }
  if (what.method == "OPTIONS") {
    answer(preflight(what));
    return;
  }
  if (what.method != (ping ? "GET" : "POST")) {
    auto out = said(405, "message", "This route takes another method.");
    out.headers.push_back({"Allow", ping ? "GET, OPTIONS" : "POST, OPTIONS"});
    answer(std::move(out));
    return;
  }
  if (ping) {
    answer(said(200, "message", "Success"));
    return;
  }
  const auto who = whose->keys().read(key_of(what));
  if (!who) {
    answer(said(401, "message", "Unauthorized"));
    return;
  }
  if (many) {
    batch(*whose, *who, what, std::move(answer));
    return;
  }
  const auto topic = part(1);
  const auto event = part(3);
  single(*whose, *who, std::move(what), topic, event, std::move(answer));
}

} // namespace holt::broker

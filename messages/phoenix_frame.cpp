// SPDX-License-Identifier: Apache-2.0
#include "messages/phoenix_frame.hpp"

#include "messages/command.hpp"
#include "messages/json_text.hpp"

#include <initializer_list>
#include <utility>

namespace holt::phoenix {

namespace {

using json_text::walker;

constexpr std::size_t max_field = 255; ///< bytes; one byte says how many

error no_frame(std::string why) {
  return {errc::invalid_request, std::move(why)};
}

/// A ref is a string or null; a number of an unusual client becomes its text.
bool read_ref(std::string_view value, std::optional<std::string>& out) {
  if (value == "null")
    return true;
  if (json_text::is_string(value)) {
    out = json_text::unquote(value);
    return out.has_value();
  }
  const char c = value.front();
  if (c != '-' && (c < '0' || c > '9'))
    return false;
  out.emplace(value);
  return true;
}

bool read_string(std::string_view value, std::string& out) {
  auto got = json_text::unquote(value);
  if (!got)
    return false;
  out = std::move(*got);
  return true;
}

result<frame> decode_object(std::string_view text) {
  frame out;
  unsigned seen = 0;
  walker each{text, walker::kind::object};
  while (each.next()) {
    bool right = true;
    if (each.key_is("topic")) {
      right = read_string(each.value(), out.topic);
      seen |= 1;
    } else if (each.key_is("event")) {
      right = read_string(each.value(), out.event);
      seen |= 2;
    } else if (each.key_is("payload")) {
      out.payload.assign(each.value());
      seen |= 4;
    } else if (each.key_is("ref")) {
      out.ref.reset();
      right = read_ref(each.value(), out.ref);
      seen |= 8;
    } else if (each.key_is("join_ref")) {
      out.join_ref.reset();
      right = read_ref(each.value(), out.join_ref);
    }
    if (!right)
      return no_frame("a field of the frame has the wrong type");
  }
  if (!each.ok())
    return no_frame("not a JSON object");
  if (seen != 15)
    return no_frame("topic, event, payload or ref is missing");
  return out;
}

result<frame> decode_array(std::string_view text) {
  frame out;
  std::size_t n = 0;
  walker each{text, walker::kind::array};
  while (each.next()) {
    bool right = true;
    switch (n++) {
    case 0: right = read_ref(each.value(), out.join_ref); break;
    case 1: right = read_ref(each.value(), out.ref); break;
    case 2: right = read_string(each.value(), out.topic); break;
    case 3: right = read_string(each.value(), out.event); break;
    case 4: out.payload.assign(each.value()); break;
    default: right = false;
    }
    if (!right)
      return no_frame("a field of the frame has the wrong type");
  }
  if (!each.ok() || n != 5)
    return no_frame("not a JSON array of five");
  return out;
}

/// Cuts fields whose lengths stand in front, out of a binary frame.
class fields {
public:
  explicit fields(std::string_view bytes, std::size_t lengths, std::size_t header)
    : bytes_{bytes}, length_{1}, end_{1 + lengths}, at_{header} {}

  bool take(std::string& out) {
    if (length_ >= end_ || length_ >= bytes_.size())
      return false;
    const auto n = static_cast<std::size_t>(static_cast<unsigned char>(bytes_[length_++]));
    if (at_ > bytes_.size() || n > bytes_.size() - at_)
      return false;
    const auto what = bytes_.substr(at_, n);
    if (!is_utf8(what))
      return false;
    out.assign(what);
    at_ += n;
    return true;
  }
  bool take(std::optional<std::string>& out) {
    std::string got;
    if (!take(got))
      return false;
    if (!got.empty())
      out = std::move(got);
    return true;
  }
  std::string_view rest() const { return bytes_.substr(at_); }

private:
  std::string_view bytes_;
  std::size_t length_;
  std::size_t end_;
  std::size_t at_;
};

bool whole_object(std::string_view text) {
  const auto value = json_text::whole_value(text);
  return value && json_text::is_object(*value);
}

/// The tail of kinds 3 and 4.
result<frame> with_user_payload(frame out, char encoding, std::string_view data) {
  if (!out.metadata.empty() && !whole_object(out.metadata))
    return no_frame("the metadata is not a JSON object");
  out.event = "broadcast";
  if (encoding == 0) {
    out.binary = true;
    out.payload.assign(data);
    return out;
  }
  if (encoding != 1)
    return no_frame("unknown encoding of the payload");
  const auto value = json_text::whole_value(data);
  if (!value)
    return no_frame("the payload is not JSON");
  out.payload.assign(*value);
  return out;
}

void put_ref(std::string& out, const std::optional<std::string>& what) {
  if (what)
    json_text::quote(out, *what);
  else
    out += "null";
}

std::string encode_array(const frame& what) {
  std::string out;
  out.reserve(what.payload.size() + what.topic.size() + what.event.size() + 40);
  out += '[';
  put_ref(out, what.join_ref);
  out += ',';
  put_ref(out, what.ref);
  out += ',';
  json_text::quote(out, what.topic);
  out += ',';
  json_text::quote(out, what.event);
  out += ',';
  out += what.payload;
  out += ']';
  return out;
}

std::string encode_object(const frame& what, bool with_join_ref) {
  std::string out;
  out.reserve(what.payload.size() + what.topic.size() + what.event.size() + 80);
  out += R"({"topic":)";
  json_text::quote(out, what.topic);
  out += R"(,"event":)";
  json_text::quote(out, what.event);
  out += R"(,"payload":)";
  out += what.payload;
  out += R"(,"ref":)";
  put_ref(out, what.ref);
  if (with_join_ref) {
    out += R"(,"join_ref":)";
    put_ref(out, what.join_ref);
  }
  out += '}';
  return out;
}

result<std::string> encode_binary(char kind, std::initializer_list<std::string_view> all,
                                  bool binary, std::string_view payload) {
  std::string out;
  std::size_t size = 2 + all.size() + payload.size();
  for (const auto one : all) {
    if (one.size() > max_field)
      return error{errc::payload_too_large, "a field of a binary frame is above 255 bytes"};
    size += one.size();
  }
  out.reserve(size);
  out += kind;
  for (const auto one : all)
    out += static_cast<char>(static_cast<unsigned char>(one.size()));
  out += binary ? '\0' : '\1';
  for (const auto one : all)
    out += one;
  out += payload;
  return out;
}

std::string_view or_empty(const std::optional<std::string>& what) {
  return what ? std::string_view{*what} : std::string_view{};
}

void read_meta(std::string_view object, user_message& out) {
  for (walker each{object, walker::kind::object}; each.next();) {
    if (each.key_is("id"))
      read_string(each.value(), out.id);
    else if (each.key_is("replayed"))
      out.replayed = each.value() == "true";
  }
}

} // namespace

std::optional<version> version_from(std::optional<std::string_view> vsn) noexcept {
  if (!vsn || *vsn == "1.0.0")
    return version::v1;
  if (*vsn == "2.0.0")
    return version::v2;
  return std::nullopt;
}

result<frame> decode_text(version v, std::string_view text) {
  return v == version::v1 ? decode_object(text) : decode_array(text);
}

result<frame> decode_client_binary(std::string_view bytes) {
  frame out;
  if (!bytes.empty() && bytes.front() == 0) {
    fields each{bytes, 4, 5};
    if (!each.take(out.join_ref) || !each.take(out.ref) || !each.take(out.topic)
        || !each.take(out.event))
      return no_frame("a binary push that is too short");
    out.binary = true;
    out.payload.assign(each.rest());
    return out;
  }
  if (!bytes.empty() && bytes.front() == 3) {
    fields each{bytes, 5, 7};
    std::string event;
    if (!each.take(out.join_ref) || !each.take(out.ref) || !each.take(out.topic)
        || !each.take(event) || !each.take(out.metadata))
      return no_frame("a binary broadcast that is too short");
    out.user_event = std::move(event);
    return with_user_payload(std::move(out), bytes[6], each.rest());
  }
  return no_frame("unknown kind of binary frame");
}

result<frame> decode_server_binary(std::string_view bytes) {
  frame out;
  switch (bytes.empty() ? '\xff' : bytes.front()) {
  case 0: {
    fields each{bytes, 3, 4};
    if (!each.take(out.join_ref) || !each.take(out.topic) || !each.take(out.event))
      break;
    out.binary = true;
    out.payload.assign(each.rest());
    return out;
  }
  case 1: {
    fields each{bytes, 4, 5};
    std::string status;
    if (!each.take(out.join_ref) || !each.take(out.ref) || !each.take(out.topic)
        || !each.take(status))
      break;
    out.event = "phx_reply";
    const auto value = json_text::whole_value(each.rest());
    const auto told = R"({"status":)" + json_text::quoted(status);
    if (value) {
      out.payload = told + R"(,"response":)" + std::string{*value} + "}";
    } else {
      out.binary = true;
      out.metadata = told + "}";
      out.payload.assign(each.rest());
    }
    return out;
  }
  case 2: {
    fields each{bytes, 2, 3};
    if (!each.take(out.topic) || !each.take(out.event))
      break;
    out.binary = true;
    out.payload.assign(each.rest());
    return out;
  }
  case 4: {
    fields each{bytes, 3, 5};
    std::string event;
    if (!each.take(out.topic) || !each.take(event) || !each.take(out.metadata))
      break;
    out.user_event = std::move(event);
    return with_user_payload(std::move(out), bytes[4], each.rest());
  }
  default: return no_frame("unknown kind of binary frame");
  }
  return no_frame("a binary frame that is too short");
}

std::string encode_client_text(version v, const frame& what) {
  return v == version::v1 ? encode_object(what, true) : encode_array(what);
}

std::string encode_server_text(version v, const frame& what) {
  return v == version::v1 ? encode_object(what, false) : encode_array(what);
}

result<std::string> encode_user_push(const frame& what) {
  return encode_binary('\3',
                       {or_empty(what.join_ref), or_empty(what.ref), what.topic,
                        or_empty(what.user_event), what.metadata},
                       what.binary, what.payload);
}

result<std::string> encode_user_broadcast(const frame& what) {
  return encode_binary('\4', {what.topic, or_empty(what.user_event), what.metadata}, what.binary,
                       what.payload);
}

result<user_message> user_message_of(const frame& what) {
  user_message out;
  if (what.user_event) {
    out.event = *what.user_event;
    out.payload = what.payload;
    out.binary = what.binary;
    if (!what.metadata.empty())
      read_meta(what.metadata, out);
    return out;
  }
  if (what.binary)
    return no_frame("a binary push is no broadcast of a user");
  bool named = false;
  out.payload = "{}";
  walker each{what.payload, walker::kind::object};
  while (each.next()) {
    if (each.key_is("event"))
      named = read_string(each.value(), out.event);
    else if (each.key_is("payload"))
      out.payload.assign(each.value());
    else if (each.key_is("meta") && json_text::is_object(each.value()))
      read_meta(each.value(), out);
  }
  if (!each.ok() || !named)
    return no_frame("the broadcast has no event");
  return out;
}

std::string broadcast_payload(const user_message& what) {
  std::string out;
  out.reserve(what.payload.size() + what.event.size() + 64);
  out += R"({"type":"broadcast","event":)";
  json_text::quote(out, what.event);
  out += R"(,"payload":)";
  out += what.binary ? "null" : std::string_view{what.payload}; // bytes go as kind 4 only
  if (!what.id.empty() || what.replayed) {
    out += R"(,"meta":{"id":)";
    json_text::quote(out, what.id);
    if (what.replayed)
      out += R"(,"replayed":true)";
    out += '}';
  }
  out += '}';
  return out;
}

} // namespace holt::phoenix

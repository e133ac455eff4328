// SPDX-License-Identifier: Apache-2.0
#include "broker/channel.hpp"

#include "messages/json_text.hpp"
#include "transport/ws_proof.hpp"

namespace holt::broker {

std::string reply_payload(bool good, std::string_view response) {
  std::string out = good ? R"({"status":"ok","response":)" : R"({"status":"error","response":)";
  return out.append(response) + "}";
}

std::string reason(std::string_view text) {
  std::string out = R"({"reason":)";
  json_text::quote(out, text);
  return out + "}";
}

void channel::send(std::string_view event, std::string payload,
                   const std::optional<std::string>& ref, bool with_join_ref) const {
  phoenix::frame out;
  if (with_join_ref)
    out.join_ref = how_.join_ref;
  out.ref = ref;
  out.topic = how_.topic;
  out.event = event;
  out.payload = std::move(payload);
  how_.ws->send_text(share(phoenix::encode_server_text(how_.version, out)));
}

void channel::reply(const std::optional<std::string>& ref, bool good,
                    std::string_view response) const {
  send("phx_reply", reply_payload(good, response), ref);
}

void channel::system(std::string_view extension, bool good, std::string_view message) const {
  std::string out = R"({"extension":)" + json_text::quoted(extension);
  out += good ? R"(,"status":"ok","message":)" : R"(,"status":"error","message":)";
  json_text::quote(out, message);
  out += R"(,"channel":)" + json_text::quoted(how_.topic.substr(how_.topic.find(':') + 1)) + "}";
  send("system", std::move(out), std::nullopt);
}

void channel::closed() const {
  send("phx_close", "{}", how_.join_ref);
}

void channel::begin(const std::string& present) {
  reply(how_.ref, true, R"({"postgres_changes":)" + how_.config.postgres_changes + "}");
  if (how_.config.presence)
    send("presence_state", present, std::nullopt);
}

void channel::begun() {
  if (how_.config.any_changes)
    system("postgres_changes", false, "There is no database here: no change will ever be sent");
}

took channel::hand(const letter& what) {
  phoenix::frame frame;
  frame.topic = how_.topic;
  frame.event = "broadcast";
  if (what.message.binary) {
    if (how_.version == phoenix::version::v1)
      return took::never;
    frame.user_event = what.message.event;
    frame.payload = what.message.payload;
    frame.binary = true;
    frame.metadata = R"({"id":)" + json_text::quoted(what.message.id) + R"(,"replayed":true})";
  } else {
    frame.payload = phoenix::broadcast_payload(what.message);
  }
  outgoing each{std::move(frame)};
  if (what.message.binary && !each.kind4())
    return took::never; // a name in it is too long for a frame
  return hear(each) ? took::yes : took::gone;
}

bool channel::prove(std::function<void()> read) {
  auto* can = dynamic_cast<http::ws_prover*>(how_.ws.get());
  if (can != nullptr)
    can->when_read(std::move(read));
  return can != nullptr;
}

void channel::too_slow() {
  if (!std::exchange(slow_, true) && how_.slow != nullptr)
    ++*how_.slow;
  how_.ws->close(1013, "the reader is too slow");
}

bool channel::hear(outgoing& what) {
  const bool v2 = how_.version == phoenix::version::v2;
  if (v2 && what.is_broadcast() && (what.binary() || how_.mimic_kind4))
    if (const auto& bytes = what.kind4())
      return taken(how_.ws->send_binary(bytes));
  if (const auto& text = what.text(how_.version))
    return taken(how_.ws->send_text(text));
  return false; // bytes, which version 1 cannot
}

/// A member that does not take a frame is closed already, or by that frame.
bool channel::taken(bool sent) {
  if (!sent && !std::exchange(slow_, true) && how_.slow != nullptr && how_.ws->outbox() > 0)
    ++*how_.slow;
  return sent;
}

} // namespace holt::broker

// SPDX-License-Identifier: Apache-2.0

// Frames of Supabase Realtime, of both sides and both versions: what is read can be written, and is
// then read the same.

#include "messages/json_text.hpp"
#include "messages/phoenix_frame.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <nlohmann/json.hpp>

using namespace holt;

namespace {

bool same(const phoenix::frame& a, const phoenix::frame& b) {
  return a.join_ref == b.join_ref && a.ref == b.ref && a.topic == b.topic && a.event == b.event
         && a.payload == b.payload && a.binary == b.binary && a.user_event == b.user_event
         && a.metadata == b.metadata;
}

void take_apart(const phoenix::frame& what) {
  const auto message = phoenix::user_message_of(what);
  if (!message || message->binary)
    return;
  phoenix::frame again;
  again.payload = phoenix::broadcast_payload(*message);
  const auto back = phoenix::user_message_of(again);
  fuzz::must(back.has_value(), "a broadcast put together can be taken apart");
  fuzz::must(back->event == message->event && back->payload == message->payload
               && back->id == message->id && back->replayed == message->replayed,
             "and is the same");
}

} // namespace

FUZZ(frame) {
  const auto bytes = fuzz::text(data);
  for (const auto v : {phoenix::version::v1, phoenix::version::v2}) {
    const auto got = phoenix::decode_text(v, bytes);
    if (!got)
      continue;
    fuzz::must(json_text::whole_value(got->payload).has_value(), "a payload is one value");
    const auto again = phoenix::decode_text(v, phoenix::encode_client_text(v, *got));
    fuzz::must(again.has_value() && same(*got, *again), "what is written is read the same");
    take_apart(*got);
  }
  if (const auto got = phoenix::decode_client_binary(bytes)) {
    take_apart(*got);
    if (got->user_event) {
      const auto out = phoenix::encode_user_push(*got);
      fuzz::must(out.has_value(), "what came in a binary frame fits into one");
      const auto again = phoenix::decode_client_binary(*out);
      fuzz::must(again.has_value() && same(*got, *again), "what is written is read the same");
    }
  }
  if (const auto got = phoenix::decode_server_binary(bytes)) {
    take_apart(*got);
    if (!got->binary && !got->user_event)
      fuzz::must(json_text::whole_value(got->payload).has_value(), "a reply is one value");
  }
  const bool scanned = json_text::whole_value(bytes).has_value();
  if (!scanned)
    fuzz::must(!nlohmann::json::accept(bytes) || bytes.substr(0, 3) == "\xEF\xBB\xBF"
                 || bytes.size() > json_text::max_depth,
               "what the library takes is JSON here too");
}

// SPDX-License-Identifier: Apache-2.0

// A message from outside as a command: any text. What is decoded keeps the bounds of its envelope,
// the canonical text is stable and blind to what is not part of the fingerprint, a result to it is
// JSON, and the id that is salvaged of a broken one is that of the whole one.

#include "actors/command_salvage.hpp"
#include "messages/command.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "transport/json_guard.hpp"

using namespace holt;
using nlohmann::json;

namespace {

void look_at(const json& payload, const std::string& salvaged) {
  const auto id = command_id(payload);
  fuzz::must(id.size() <= 200 && is_utf8(id), "an id is short text");
  const auto decoded = decode_command(payload);
  if (!decoded)
    return;
  fuzz::must(decoded->id == id, "the id of a command is the id that is answered to");
  fuzz::must(!id.empty() || decoded->kind == command_kind::release, "a command has an id");
  fuzz::must(decoded->src.size() <= 200 && !decoded->src.empty(), "src is bounded");
  fuzz::must(command_kind_from(to_string(decoded->kind)) == decoded->kind, "a type reads back");
  fuzz::must(!has_effect(*decoded) || !is_control(decoded->kind), "control has no effect");
  fuzz::must(salvaged == id, "a whole command salvages its own id");
  const auto text = canonical_command(payload);
  const auto again = json::parse(text, nullptr, false);
  fuzz::must(!again.is_discarded() && canonical_command(again) == text, "canonical text is stable");
  auto resent = payload;
  resent["attempt"] = 7;
  resent["ack"] = true;
  resent["stream"] = false;
  resent["auth"] = nullptr;
  fuzz::must(canonical_command(resent) == text, "a resend has the same fingerprint");
  const auto answer = result_message(id, command_outcome::failure({errc::not_found, id}));
  fuzz::must(answer.value("ok", true) == false && answer.value("id", "") == id, "it is answered");
}

} // namespace

FUZZ(command) {
  const auto text = fuzz::text(data);
  const auto salvaged = salvage_command_id(text);
  fuzz::must(salvaged.size() <= 200 && is_utf8(salvaged), "a salvaged id is short text");
  if (const auto payload = http::parse_json(text, {64, 200'000}))
    look_at(*payload, salvaged);
}

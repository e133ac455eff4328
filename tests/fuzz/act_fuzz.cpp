// SPDX-License-Identifier: Apache-2.0

#include "actors/act_json.hpp"
#include "actors/clipboard_fields.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "transport/json_guard.hpp"

using namespace holt;

FUZZ(act) {
  const auto body = http::parse_json(fuzz::text(data));
  if (!body || !body->is_object())
    return;
  for (const auto* kind : {"move", "click", "down", "up", "drag", "scroll", "type", "press",
                           "key_down", "key_up", "wait"}) {
    const auto act = read_act(kind, *body);
    if (act)
      fuzz::must(describe_act(*act).is_object(), "an act can be told");
    else
      fuzz::must(!act.error().detail.empty(), "a refusal says why");
  }
  const auto copied = read_clipboard(*body);
  fuzz::must(!copied || !copied->parts.empty(), "something is copied");
  fuzz::must(copied || !copied.error().detail.empty(), "a refusal says why");
  if (const auto acts = read_acts(*body))
    fuzz::must(!acts->empty() && acts->size() <= 100, "the number of acts is bounded");
}

// SPDX-License-Identifier: Apache-2.0

#include "tests/fuzz/fuzz.hpp"
#include "transport/json_guard.hpp"
#include "transport/url.hpp"

using namespace holt;

FUZZ(json_guard) {
  const auto got = http::parse_json(fuzz::text(data));
  if (!got)
    return;
  fuzz::must(!got->is_discarded(), "what passes is whole");
  const auto out = http::dump_safe(*got);
  fuzz::must(url::valid_utf8(out), "what is written is UTF-8");
  const auto again = http::parse_json(out);
  fuzz::must(again.has_value() && *again == *got, "what is written is read the same");
}

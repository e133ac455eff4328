// SPDX-License-Identifier: Apache-2.0

// A signed command from outside: any JSON. Its canonical text is stable and reads back, and without
// the secret no signature passes.

#include "link/command_auth.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace holt::link;

FUZZ(command_auth) {
  const auto value = nlohmann::json::parse(fuzz::text(data), nullptr, false);
  if (value.is_discarded())
    return;
  const auto text = canonical_json(value);
  const auto again = nlohmann::json::parse(text, nullptr, false);
  fuzz::must(!again.is_discarded(), "canonical text is JSON");
  fuzz::must(canonical_json(again) == text, "canonical text is stable");
  auth_options how;
  how.keys = {{"k", "Zk3mXw9cQ0aVt7RrB2yLs8HdEf5UjNpG1oKiTq4WzCx"}};
  command_auth auth{how};
  fuzz::must(!auth.check(value, 1'800'000'000'000).has_value(), "no guess passes");
}

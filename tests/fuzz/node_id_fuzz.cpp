// SPDX-License-Identifier: Apache-2.0

#include "accessibility/words.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace holt::accessibility;

FUZZ(node_id) {
  const auto bytes = fuzz::text(data);
  const auto where = parse_node_id(bytes, "ab12");
  if (!where)
    return;
  fuzz::must(where->bus.starts_with(':') && where->bus.size() > 1, "a program has a name");
  fuzz::must(!where->path.empty(), "an object has a path");
  const auto again = parse_node_id(make_node_id("ab12", *where), "ab12");
  fuzz::must(again && *again == *where, "an id can be made of it that means the same");
  fuzz::must(names_role(role_name(static_cast<std::uint32_t>(bytes.size())),
                        role_name(static_cast<std::uint32_t>(bytes.size()))),
             "a role is found by its name");
}

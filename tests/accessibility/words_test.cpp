// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE words

#include "accessibility/words.hpp"

#include "check.hpp"

#include <caf/all.hpp>

using namespace holt;
using namespace holt::accessibility;

CAF_TEST(an id tells the program and the object) {
  const node_address usual{":1.23", "/org/a11y/atspi/accessible/45"};
  CAF_CHECK_EQUAL(make_node_id("ab12", usual), "ab12.1.23-45");
  const node_address other{":1.7", "/org/gtk/application/a11y/0a1b_2c"};
  for (const auto& one : {usual, other, node_address{":1.2", "/org/a11y/atspi/accessible/"},
                          node_address{":1.2", "/"}}) {
    const auto id = make_node_id("ab12", one);
    CAF_MESSAGE(id);
    const auto safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.~_-";
    CAF_CHECK_EQUAL(id.find_first_not_of(safe), id.npos);
    auto back = parse_node_id(id, "ab12");
    CAF_CHECK(back && *back == one);
  }
}

CAF_TEST(an id of an earlier bus and what is no id are not found) {
  for (const auto* id :
       {"", "ab12", "ab12.", "ab12.1.2", "ab12.1.2-", "ab12.-3", "ab12..2-3", "ab13.1.2-3", "1.2-3",
        "ab12.1.2-~", "ab12.1.2-~g0", "ab12.1.2-~2", "ab12.1.2-a b", "ab12.1.2-~00", "ab12.~00-1",
        "ab12.~2e-1", "ab12.1~2e2-1"}) {
    auto got = parse_node_id(id, "ab12");
    CAF_MESSAGE(id);
    CAF_REQUIRE(!got);
    CAF_CHECK(got.error().code == errc::not_found);
  }
}

CAF_TEST(roles are known by their names and by what people call them) {
  CAF_CHECK_EQUAL(role_name(43), "push button");
  CAF_CHECK_EQUAL(role_name(129), "push button menu");
  CAF_CHECK_EQUAL(role_name(4'000'000'000), "role 4000000000");
  for (const auto* name : {"push button", "push_button", "Push-Button", "button", "BUTTON"})
    CAF_CHECK(names_role(name, "push button"));
  CAF_CHECK(!names_role("button", "toggle button"));
  CAF_CHECK(!names_role("", "push button"));
}

CAF_TEST(states are read out of as many bits as there are) {
  std::vector<std::uint32_t> bits{1u << 25 | 1u << 12 | 1u << 30, 1u << 9};
  CAF_CHECK(has_state(bits, state::showing));
  CAF_CHECK((state_names(bits) == std::vector<std::string>{"focused", "showing", "checkable"}));
  CAF_CHECK(!has_state({}, state::showing));
  CAF_CHECK(state_names({}).empty());
  bits.assign(5, ~0u);
  CAF_CHECK(!state_names(bits).empty());
}

// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE key_names

#include "desktop/key_names.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <xkbcommon/xkbcommon-keysyms.h>

using namespace holt;
using namespace holt::desktop;

CAF_TEST(keys are known by their DOM name and by their X name and as a character) {
  CAF_CHECK(keysym_of("Enter").value_or(0) == keysym{XKB_KEY_Return});
  CAF_CHECK(keysym_of("Return").value_or(0) == keysym{XKB_KEY_Return});
  CAF_CHECK(keysym_of("ArrowLeft").value_or(0) == keysym{XKB_KEY_Left});
  CAF_CHECK(keysym_of("PageUp").value_or(0) == keysym{XKB_KEY_Page_Up});
  CAF_CHECK(keysym_of("Prior").value_or(0) == keysym{XKB_KEY_Page_Up});
  CAF_CHECK(keysym_of("Shift_L").value_or(0) == keysym{XKB_KEY_Shift_L});
  CAF_CHECK(keysym_of("F12").value_or(0) == keysym{XKB_KEY_F12});
  CAF_CHECK(keysym_of("KP_Enter").value_or(0) == keysym{XKB_KEY_KP_Enter});
  CAF_CHECK(keysym_of(" ").value_or(0) == keysym{XKB_KEY_space});
  CAF_CHECK(keysym_of("a").value_or(0) == keysym{XKB_KEY_a});
  CAF_CHECK(keysym_of("A").value_or(0) == keysym{XKB_KEY_A});
  CAF_CHECK(keysym_of("+").value_or(0) == keysym{XKB_KEY_plus});
  CAF_CHECK(keysym_of("\xe6\xbc\xa2").value_or(0) == keysym{0x01006f22});
}

CAF_TEST(what is no key is not taken for one) {
  for (auto name : {"", "NoSuchKey", "ab", "\x01", "\xff", "Enterr"})
    CAF_CHECK(!keysym_of(name));
  CAF_CHECK(!keysym_of(std::string_view{"a\0b", 3}));
  CAF_CHECK(!keysym_of(std::string(100, 'x')));
}

CAF_TEST(a combination is its modifiers and one key) {
  auto chord = read_chord("ctrl+Shift+t");
  CAF_REQUIRE(chord);
  CAF_CHECK(chord->modifiers == (std::vector<keysym>{XKB_KEY_Control_L, XKB_KEY_Shift_L}));
  CAF_CHECK_EQUAL(chord->sym, keysym{XKB_KEY_t});
  auto plus = read_chord("ctrl++");
  CAF_REQUIRE(plus);
  CAF_CHECK_EQUAL(plus->sym, keysym{XKB_KEY_plus});
  CAF_CHECK_EQUAL(plus->modifiers.size(), 1u);
  auto alone = read_chord("+");
  CAF_REQUIRE(alone);
  CAF_CHECK_EQUAL(alone->sym, keysym{XKB_KEY_plus});
  CAF_CHECK(alone->modifiers.empty());
}

CAF_TEST(an unknown part of a combination is named) {
  auto key = read_chord("ctrl+Nope");
  CAF_REQUIRE(!key);
  CAF_CHECK(key.error().code == errc::desktop_invalid_action);
  CAF_CHECK(key.error().detail.find("Nope") != std::string::npos);
  auto modifier = read_chord("hyperdrive+a");
  CAF_REQUIRE(!modifier);
  CAF_CHECK(modifier.error().detail.find("hyperdrive") != std::string::npos);
  CAF_CHECK(!read_chord(""));
  CAF_CHECK(!read_chord("a+b"));
}

CAF_TEST(text becomes one key per character) {
  auto keys = keysyms_of_text("a\xc3\xa4\r\n\t\xf0\x9f\x8e\x89");
  CAF_REQUIRE(keys);
  CAF_CHECK(*keys
            == (std::vector<keysym>{XKB_KEY_a, XKB_KEY_adiaeresis, XKB_KEY_Return, XKB_KEY_Tab,
                                    0x0101f389}));
  auto control = keysyms_of_text("a\x07");
  CAF_REQUIRE(!control);
  CAF_CHECK(control.error().detail.find("U+0007") != std::string::npos);
  CAF_CHECK(!keysyms_of_text("\xc0\x80"));
  CAF_CHECK(!keysyms_of_text("\xed\xa0\x80"));
  CAF_CHECK(!keysyms_of_text("\xe6\xbc"));
}

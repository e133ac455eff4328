// SPDX-License-Identifier: Apache-2.0

#include "desktop/applications.hpp"
#include "desktop/key_names.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace holt;

FUZZ(desktop_file) {
  const auto text = fuzz::text(data);
  if (const auto found = desktop::read_desktop_file("fuzz", text))
    fuzz::must(!found->name.empty() && !found->command.empty() && !found->command.front().empty(),
               "an application has a name and a program");
  static_cast<void>(desktop::split_exec(text));
  if (const auto chord = desktop::read_chord(text))
    fuzz::must(chord->sym != 0 && chord->modifiers.size() <= 8, "a combination has a key");
  if (const auto keys = desktop::keysyms_of_text(text))
    fuzz::must(keys->size() <= text.size(), "a character has at least one byte");
}

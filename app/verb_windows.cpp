// SPDX-License-Identifier: Apache-2.0

// holt windows: what stands on the desktop.

#include "app/sandbox_verbs.hpp"
#include "app/verb_tools.hpp"

#include <iomanip>
#include <iostream>

namespace holt {

using nlohmann::json;

int verb_windows(const command_line& line) {
  return call_and_show(line, "GET", "/v1/desktop/windows", nullptr, [](const json& got) {
    const auto windows = got.value("windows", json::array());
    if (windows.empty())
      std::cerr << "no windows" << std::endl;
    for (const auto& one : windows) {
      auto number = [&one](const char* name) { return std::to_string(one.value(name, 0)); };
      std::cout << std::left << std::setw(11) << one.value("id", "")
                << (one.value("isActive", false)    ? "* "
                    : one.value("minimised", false) ? "_ "
                                                    : "  ")
                << std::setw(20)
                << number("width") + "x" + number("height") + "+" + number("x") + "+" + number("y")
                << std::setw(18) << harmless(one.value("app", "")) << " "
                << harmless(one.value("title", "")) << "\n";
    }
    std::cout << std::flush;
  });
}

} // namespace holt

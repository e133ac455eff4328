// SPDX-License-Identifier: Apache-2.0
#include "app/fault_steps.hpp"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <string>

namespace holt {

std::function<void(std::string_view)> fault_at_step() {
  const char* text = std::getenv("HOLT_TEST_KILL_AT");
  if (text == nullptr)
    return nullptr;
  std::string name{text};
  long nth = 1;
  if (const auto colon = name.find(':'); colon != std::string::npos) {
    nth = std::strtol(name.c_str() + colon + 1, nullptr, 10);
    name.resize(colon);
  }
  auto left = std::make_shared<std::atomic<long>>(nth);
  return [name, left](std::string_view step) {
    if (step == name && --*left == 0)
      std::raise(SIGKILL);
  };
}

} // namespace holt

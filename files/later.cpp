// SPDX-License-Identifier: Apache-2.0
#include "files/commands.hpp"
namespace holt::files {
namespace {
error later() {
  return {errc::unsupported, "not yet"};
}
} // namespace
outcome run_tree(const file_context&, const command&) {
  return later();
}
outcome run_glob(const file_context&, const command&) {
  return later();
}
outcome run_grep(const file_context&, const command&) {
  return later();
}
#define HOLT_LATER(x)                                                                              \
  result<file_plan> plan_##x(const file_context&, const command&) {                                \
    return later();                                                                                \
  }                                                                                                \
  outcome run_##x(const file_context&, const command&, const file_plan&) {                         \
    return later();                                                                                \
  }                                                                                                \
  outcome settle_##x(const file_context&, const command&, const file_plan&) {                      \
    return later();                                                                                \
  }
HOLT_LATER(edit)
HOLT_LATER(mkdir) HOLT_LATER(move) HOLT_LATER(remove) std::size_t
  sweep_leftovers(const file_context&, const std::vector<std::string>&) {
  return 0;
}
} // namespace holt::files

// SPDX-License-Identifier: Apache-2.0
#include "app/sandbox_verbs.hpp"
namespace holt {
int verb_exec(const command_line&) {
  return 1;
}
int verb_attach(const command_line&) {
  return 1;
}
int verb_cp(const command_line&) {
  return 1;
}
} // namespace holt

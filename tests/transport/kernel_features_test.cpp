// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE kernel_features

#include "transport/kernel_features.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <filesystem>

using namespace holt;

CAF_TEST(what every supported kernel has is found) {
  const auto found = detect_kernel_features();
  for (const auto& row : describe(found))
    CAF_MESSAGE(row.name << ": " << (row.present ? "yes" : "no") << ", " << row.meaning);
  CAF_CHECK(!found.release.empty());
  CAF_CHECK(found.pidfd);
  CAF_CHECK(found.close_range);
  CAF_CHECK(found.subreaper);
  if (!found.cgroup.empty())
    CAF_CHECK(std::filesystem::is_directory(found.cgroup));
}

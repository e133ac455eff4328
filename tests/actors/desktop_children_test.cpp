// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE desktop_children

// The specs of the desktop's children, without starting any.

#include "actors/desktop_children.hpp"

#include "check.hpp"

#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <filesystem>

using namespace holt;

CAF_TEST(a desktop that waits to be asked starts with all of its children) {
  char name[] = "/tmp/holt-children-XXXXXX";
  const std::string folder = mkdtemp(name);
  boost::asio::io_context io;
  spawner starter;
  process_killer killer;
  auto context = desktop_context::make(folder, folder);
  CAF_REQUIRE(context.has_value());
  for (const bool autostart : {true, false}) {
    desktop_options how{{io, starter, killer},
                        *context,
                        folder,
                        {},
                        640,
                        480,
                        true,
                        autostart,
                        nullptr,
                        {},
                        nullptr,
                        {}};
    for (const auto& one : desktop_children(how)) {
      const bool group = one.kind == child_kind::group;
      CAF_MESSAGE(one.id);
      CAF_CHECK_EQUAL(one.autostart, group ? autostart : true);
    }
  }
  std::filesystem::remove_all(folder);
}

// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE read

#include "tests/files/files_fixture.hpp"

#include <caf/all.hpp>
#include <caf/test/unit_test.hpp>

using namespace holt;
using namespace holt::test;

CAF_TEST(the original messages read and write and list) {
  workspace ws;
  auto wrote = ws.run({{"type", "fs.write"}, {"path", "/workspace/a/main.py"}, {"content", "x\n"}});
  CAF_MESSAGE(wrote.detail);
  CAF_REQUIRE(wrote.ok());
  CAF_CHECK_EQUAL(ws("a/main.py"), "x\n");
  auto read = ws.run({{"type", "fs.read"}, {"path", "/workspace/a/main.py"}});
  CAF_REQUIRE(read.ok());
  CAF_CHECK_EQUAL(read.fields["content"], "x\n");
  CAF_CHECK(!read.fields.contains("encoding"));
  auto list = ws.run({{"type", "fs.list"}, {"path", "/workspace/a"}});
  CAF_REQUIRE(list.ok());
  CAF_CHECK_EQUAL(list.fields["entries"].size(), 1u);
  CAF_CHECK_EQUAL(list.fields["entries"][0]["path"], "/workspace/a/main.py");
  CAF_MESSAGE(list.fields.dump());
}

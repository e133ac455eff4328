// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE engine_choice

#include "actors/engine_choice.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace holt;

namespace {

struct fixture {
  std::filesystem::path folder;
  std::string printed = "neko version 3.1.5 linux/amd64";
  engine_wish wish;

  fixture() {
    std::string name = std::filesystem::temp_directory_path() / "holt-engine-XXXXXX";
    folder = mkdtemp(name.data());
    wish.path = folder;
    wish.own_dir = folder / "own";
    std::filesystem::create_directory(wish.own_dir);
    program("own/holt-stream");
  }
  ~fixture() { std::filesystem::remove_all(folder); }

  void program(const std::string& name) {
    std::ofstream{folder / name} << "#!/bin/sh\n";
    chmod((folder / name).c_str(), 0755);
  }

  result<engine_choice> choose() {
    return choose_engine(
      wish, [this](const std::vector<std::string>&) -> result<std::string> { return printed; });
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(engine_choice_tests, fixture)

CAF_TEST(a version is found in a banner) {
  CAF_CHECK(find_version("v3.0.11 (abc)") == version_number(3, 0, 11));
  CAF_CHECK(find_version("2024 neko 3.1.5-dev") == version_number(3, 1, 5));
  CAF_CHECK(find_version("1.2 and then 3.0.7") == version_number(3, 0, 7));
  CAF_CHECK(find_version("dev") == version_number());
}

CAF_TEST(auto takes our own where neko is not installed) {
  CAF_CHECK_EQUAL(std::string{choose()->name}, "builtin");
  CAF_CHECK(choose()->notes.empty());
}

CAF_TEST(auto takes neko where a supported one is installed) {
  program("neko");
  CAF_CHECK_EQUAL(std::string{choose()->name}, "neko");
  CAF_CHECK_EQUAL(std::string{choose()->version}, "3.1.5");
}

CAF_TEST(auto leaves an old neko alone and says so) {
  program("neko");
  printed = "3.0.6";
  CAF_CHECK_EQUAL(std::string{choose()->name}, "builtin");
  CAF_CHECK(choose()->notes.size() == 1);
}

CAF_TEST(an explicit neko that is missing or old is an error) {
  wish.engine = "neko";
  CAF_CHECK(choose().error().code == errc::dependency_missing);
  program("neko");
  printed = "3.0.6";
  CAF_CHECK(choose().error().code == errc::dependency_missing);
}

CAF_TEST(a missing engine names what to do) {
  std::filesystem::remove(folder / "own/holt-stream");
  CAF_CHECK(choose().error().detail.find("scripts/build") != std::string::npos);
}

CAF_TEST(known faults are named) {
  CAF_CHECK_EQUAL(neko_faults({3, 1, 1}).size(), 2u);
  CAF_CHECK_EQUAL(neko_faults({3, 1, 5}).size(), 0u);
}

CAF_TEST_FIXTURE_SCOPE_END()

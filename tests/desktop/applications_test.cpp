// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE applications

#include "desktop/applications.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <filesystem>
#include <fstream>

#include <stdlib.h>

using namespace holt;
using namespace holt::desktop;

using words = std::vector<std::string>;

CAF_TEST(an Exec line is split as the specification says) {
  CAF_CHECK(split_exec("xterm") == words{"xterm"});
  CAF_CHECK(split_exec("a  \"b c\" d\\\"e %f") == (words{"a", "b c", "d\"e"}));
  CAF_CHECK(split_exec("env X=1 prog --open=%U 100%%")
            == (words{"env", "X=1", "prog", "--open=", "100%"}));
  CAF_CHECK(split_exec("a \"\" b") == (words{"a", "", "b"}));
  CAF_CHECK(split_exec("a \"b").empty());
  CAF_CHECK(split_exec("a %").empty());
  CAF_CHECK(split_exec("").empty());
}

CAF_TEST(a desktop file is read by its main group only) {
  auto found = read_desktop_file("x", "# c\n[Desktop Entry]\nType=Application\nName = Editor \n"
                                      "Name[de]=Anders\nExec=ed %F\nCategories=A;B;\n"
                                      "[Desktop Action new]\nName=New\nExec=other\n");
  CAF_REQUIRE(found);
  CAF_CHECK_EQUAL(found->name, "Editor");
  CAF_CHECK(found->command == words{"ed"});
  CAF_CHECK(found->categories == (words{"A", "B"}));
  CAF_CHECK(!found->terminal);
}

CAF_TEST(what is hidden or broken is no application) {
  auto file = [](const std::string& more) {
    return read_desktop_file("x", "[Desktop Entry]\nType=Application\nName=N\n" + more);
  };
  CAF_CHECK(file("Exec=a\n"));
  CAF_CHECK(!file("Exec=a\nNoDisplay=true\n"));
  CAF_CHECK(!file("Exec=a\nHidden=true\n"));
  CAF_CHECK(!file(""));
  CAF_CHECK(!file("Exec=\"a\n"));
  CAF_CHECK(!read_desktop_file("x", "[Desktop Entry]\nType=Link\nName=N\nExec=a\n"));
  CAF_CHECK(!read_desktop_file("x", ""));
}

CAF_TEST(the first folder wins and the list is in order) {
  char name[] = "/tmp/holt-applications-XXXXXX";
  CAF_REQUIRE(::mkdtemp(name) != nullptr);
  std::filesystem::path root{name};
  auto put = [&](const char* folder, const char* file, const std::string& title) {
    std::filesystem::create_directories(root / folder / "applications");
    std::ofstream{root / folder / "applications" / file}
      << "[Desktop Entry]\nType=Application\nExec=run\nName=" << title << "\n";
  };
  put("a", "one.desktop", "Zebra");
  put("b", "one.desktop", "Hidden behind");
  put("b", "two.desktop", "Ant");
  put("b", "notes.txt", "No");
  auto all = list_applications((root / "a").string() + ":" + (root / "nowhere").string() + ":"
                               + (root / "b").string());
  CAF_REQUIRE_EQUAL(all.size(), 2u);
  CAF_CHECK_EQUAL(all[0].name, "Ant");
  CAF_CHECK_EQUAL(all[1].name, "Zebra");
  CAF_CHECK_EQUAL(all[1].id, "one");
  std::filesystem::remove_all(root);
}

// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE config

#include "app/config.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace holt;

namespace {

struct fixture {
  std::filesystem::path folder;
  std::map<std::string, std::string> env;

  fixture() {
    std::string name = std::filesystem::temp_directory_path() / "holt-config-XXXXXX";
    folder = mkdtemp(name.data());
  }
  ~fixture() { std::filesystem::remove_all(folder); }

  std::string file(const std::string& text) {
    auto path = folder / "holt.toml";
    std::ofstream{path} << text;
    return path;
  }

  result<loaded_config> load(const std::string& text, const config_flags& flags = {}) {
    return load_config(file(text), flags, [this](const char* name) -> const char* {
      auto i = env.find(name);
      return i == env.end() ? nullptr : i->second.c_str();
    });
  }

  /// The message without the folder.
  std::string fault(const std::string& text, const config_flags& flags = {}) {
    auto loaded = load(text, flags);
    if (loaded)
      return "no error";
    auto detail = loaded.error().detail;
    auto at = detail.find(folder.string() + "/");
    return at == std::string::npos ? detail : detail.substr(at + folder.string().size() + 1);
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(config_tests, fixture)

CAF_TEST(flags win over the environment over the file over the default) {
  env["HOLT_HTTP_PORT"] = "2";
  env["HOLT_DESKTOP_WIDTH"] = "800";
  auto loaded
    = load("[http]\nport = 1\n[desktop]\nheight = 600\nwidth = 640\n", {{"http.port", "3"}});
  CAF_REQUIRE(loaded.has_value());
  CAF_CHECK_EQUAL(loaded->values.http.port, 3u);
  CAF_CHECK_EQUAL(loaded->values.desktop.width, 800u);
  CAF_CHECK_EQUAL(loaded->values.desktop.height, 600u);
  CAF_CHECK_EQUAL(loaded->values.stream.media_port, 4659u);
  auto text = print_config(*loaded);
  CAF_CHECK(text.find("# flag --http-port") != std::string::npos);
  CAF_CHECK(text.find("# HOLT_DESKTOP_WIDTH") != std::string::npos);
  CAF_CHECK(text.find("holt.toml:4") != std::string::npos);
  CAF_CHECK(text.find("# default") != std::string::npos);
}

CAF_TEST(an unknown key names file and line) {
  CAF_CHECK_EQUAL(fault("[http]\nport = 1\nprot = 2\n"), "holt.toml:3: unknown key http.prot");
  CAF_CHECK_EQUAL(fault("\n[htp]\nport = 1\n"), "holt.toml:2: unknown table [htp]");
}

CAF_TEST(a bad value names file and line and what is allowed) {
  CAF_CHECK_EQUAL(fault("[http]\nport = 70000\n"),
                  "holt.toml:2: http.port must be a number from 0 to 65535");
  CAF_CHECK_EQUAL(fault("[http]\nport = \"x\"\n"), "holt.toml:2: http.port must be a number");
  CAF_CHECK_EQUAL(fault("[stream]\nengine = \"vlc\"\n"),
                  "holt.toml:2: stream.engine must be one of auto, neko, builtin");
  CAF_CHECK_EQUAL(fault("[desktop]\nsound = 1\n"),
                  "holt.toml:2: desktop.sound must be true or false");
}

CAF_TEST(a syntax error names file and line) {
  CAF_CHECK_EQUAL(fault("[http]\nport = \n").substr(0, 12), "holt.toml:2:");
}

CAF_TEST(a bad variable or flag is named) {
  env["HOLT_HTTP_PORT"] = "many";
  CAF_CHECK_EQUAL(fault(""), "HOLT_HTTP_PORT: must be a number");
  env.clear();
  CAF_CHECK_EQUAL(fault("", {{"stream.engine", "x"}}),
                  "--stream-engine: must be one of auto, neko, builtin");
}

CAF_TEST(no token on an open address is refused) {
  CAF_CHECK_EQUAL(fault("[http]\nauth = \"none\"\naddress = \"0.0.0.0\"\n").substr(0, 10),
                  "http.auth:");
  CAF_CHECK(load("[http]\nauth = \"none\"\n").has_value());
}

CAF_TEST(a list may be one text) {
  auto loaded = load("[stream]\naddress = \"127.0.0.2\"\n");
  CAF_REQUIRE(loaded.has_value());
  CAF_CHECK_EQUAL(loaded->values.stream.address, (std::vector<std::string>{"127.0.0.2"}));
}

CAF_TEST(every default passes its own check) {
  for (const auto& key : config_keys()) {
    config values;
    auto slot = key.at(values);
    if (auto* text = std::get_if<std::string*>(&slot); text && !key.one_of.empty())
      CAF_CHECK(set_from_text(key, values, **text).has_value());
  }
}

CAF_TEST_FIXTURE_SCOPE_END()

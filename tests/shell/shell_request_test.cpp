// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE shell_request

#include "shell/shell_job.hpp"

#include "check.hpp"
#include "tests/transport/process_fixture.hpp"

#include <caf/all.hpp>

#include <fstream>
#include <iostream>

using namespace holt;
using namespace holt::shell;
using nlohmann::json;
using std::chrono::milliseconds;

namespace {

struct decoder {
  test::temp_dir dir;
  std::shared_ptr<const files::path_jail> jail;
  shell_defaults defaults;

  decoder() {
    files::jail_options how;
    how.roots = {dir.path.string()};
    auto opened = files::path_jail::open(how);
    if (opened)
      jail = *opened;
    std::filesystem::create_directory(dir.path / "sub");
    std::ofstream(dir.path / "file") << "x";
    std::filesystem::create_symlink("sub", dir.path / "inside");
    std::filesystem::create_symlink("/etc", dir.path / "outside");
  }

  result<shell_request> operator()(json body, command_kind kind = command_kind::shell_exec) {
    command what;
    what.kind = kind;
    what.id = "1";
    what.body = std::move(body);
    return decode_shell_request(what, *jail, defaults);
  }

  /// The request of a body that must be good.
  shell_request good(json body, command_kind kind = command_kind::shell_exec) {
    auto got = (*this)(std::move(body), kind);
    CAF_REQUIRE(got.has_value());
    return *got;
  }
  std::string real(const std::string& below) {
    return std::filesystem::canonical(dir.path / below).string();
  }
};

} // namespace

CAF_TEST(the original message has all defaults) {
  decoder decode;
  const auto what = decode.good(
    {{"type", "shell.exec"}, {"id", "req_4"}, {"cmd", "python main.py"}, {"timeout", 30}});
  CAF_CHECK_EQUAL(what.cmd, "python main.py");
  CAF_CHECK_EQUAL(what.cwd, decode.real(""));
  CAF_CHECK(what.timeout == milliseconds{30'000});
  CAF_CHECK(!what.standard_input);
  CAF_CHECK(!what.keep_stdin);
  CAF_CHECK(!what.pty);
  CAF_CHECK(what.env.empty());
  CAF_CHECK_EQUAL(what.max_output, 1024u * 1024u);
  CAF_CHECK(decode.good({{"cmd", "x"}}).timeout == milliseconds{120'000});
}

CAF_TEST(a start has no time limit and keeps its stdin) {
  decoder decode;
  const auto what = decode.good({{"cmd", "sh"}, {"pty", true}, {"columns", 120}, {"rows", 40}},
                                command_kind::shell_start);
  CAF_CHECK(!what.timeout);
  CAF_CHECK(what.keep_stdin);
  CAF_CHECK(what.pty);
  CAF_CHECK_EQUAL(what.columns, 120u);
  CAF_CHECK_EQUAL(what.rows, 40u);
  const auto limited
    = decode.good({{"cmd", "sh"}, {"timeout", 100'000}}, command_kind::shell_start);
  CAF_CHECK(limited.timeout == std::chrono::seconds{100'000});
}

CAF_TEST(every field is taken) {
  decoder decode;
  const auto what = decode.good({{"cmd", ""},
                                 {"cwd", "sub"},
                                 {"env", {{"A", "1"}, {"B", ""}}},
                                 {"stdin", "in"},
                                 {"timeout", 0.25},
                                 {"max_output", 100}});
  CAF_CHECK_EQUAL(what.cwd, decode.real("sub"));
  CAF_CHECK_EQUAL(what.env.at("A"), "1");
  CAF_CHECK_EQUAL(what.env.at("B"), "");
  CAF_CHECK(what.standard_input == "in");
  CAF_CHECK(what.timeout == milliseconds{250});
  CAF_CHECK_EQUAL(what.max_output, 100u);
  const auto binary = decode.good({{"cmd", "x"}, {"stdin", "AP8="}, {"stdin_encoding", "base64"}});
  CAF_CHECK(binary.standard_input == std::string("\0\xff", 2));
  CAF_CHECK(decode.good({{"cmd", "x"}, {"stdin", ""}}).standard_input == "");
  CAF_CHECK_EQUAL(decode.good({{"cmd", "x"}, {"max_output", 1LL << 40}}).max_output,
                  decode.defaults.max_output);
  CAF_CHECK(decode.good({{"cmd", "x"}, {"timeout", nullptr}, {"cwd", nullptr}}).timeout
            == milliseconds{120'000});
  CAF_CHECK(decode.good({{"cmd", "x"}, {"timeout", 1e-9}}).timeout == milliseconds{1});
}

CAF_TEST(a wrong field is named) {
  decoder decode;
  const std::string nul("a\0b", 3);
  const std::vector<std::pair<json, std::string>> wrong{
    {json::object(), "cmd"},
    {{{"cmd", 1}}, "cmd"},
    {{{"cmd", nul}}, "cmd"},
    {{{"cmd", std::string(5 << 20, 'x')}}, "cmd"},
    {{{"cmd", "x"}, {"cwd", 1}}, "cwd"},
    {{{"cmd", "x"}, {"cwd", ""}}, "cwd"},
    {{{"cmd", "x"}, {"cwd", nul}}, "cwd"},
    {{{"cmd", "x"}, {"env", json::array()}}, "env"},
    {{{"cmd", "x"}, {"env", {{"A", 1}}}}, "env.A"},
    {{{"cmd", "x"}, {"env", {{"A=B", "1"}}}}, "env"},
    {{{"cmd", "x"}, {"env", {{"", "1"}}}}, "env"},
    {{{"cmd", "x"}, {"env", {{"A", nul}}}}, "env"},
    {{{"cmd", "x"}, {"env", {{"A", std::string(128 * 1024, 'x')}}}}, "env"},
    {{{"cmd", "x"}, {"stdin", 1}}, "stdin"},
    {{{"cmd", "x"}, {"stdin", "?"}, {"stdin_encoding", "base64"}}, "stdin"},
    {{{"cmd", "x"}, {"stdin", "x"}, {"stdin_encoding", "hex"}}, "stdin_encoding"},
    {{{"cmd", "x"}, {"timeout", 0}}, "timeout"},
    {{{"cmd", "x"}, {"timeout", -1}}, "timeout"},
    {{{"cmd", "x"}, {"timeout", "30"}}, "timeout"},
    {{{"cmd", "x"}, {"timeout", 3601}}, "timeout"},
    {{{"cmd", "x"}, {"timeout", 1e300}}, "timeout"},
    {{{"cmd", "x"}, {"pty", 1}}, "pty"},
    {{{"cmd", "x"}, {"rows", 0}}, "rows"},
    {{{"cmd", "x"}, {"columns", 4097}}, "columns"},
    {{{"cmd", "x"}, {"columns", 18446744073709551615ull}}, "columns"},
    {{{"cmd", "x"}, {"max_output", -1}}, "max_output"},
    {{{"cmd", "x"}, {"max_output", 1.5}}, "max_output"},
  };
  for (const auto& [body, field] : wrong) {
    const auto got = decode(body);
    CAF_REQUIRE(got.has_error());
    CAF_CHECK(got.error().code == errc::invalid_request);
    CAF_CHECK_EQUAL(got.error().detail.substr(0, field.size()), field);
  }
  CAF_CHECK(decode({{"cmd", "x"}}, command_kind::fs_read).has_error());
}

CAF_TEST(the folder must be one and inside the roots) {
  decoder decode;
  CAF_CHECK(decode({{"cmd", "x"}, {"cwd", "missing"}}).error().code == errc::not_found);
  CAF_CHECK(decode({{"cmd", "x"}, {"cwd", "file"}}).error().code == errc::not_directory);
  CAF_CHECK(decode({{"cmd", "x"}, {"cwd", "/etc"}}).error().code == errc::denied);
  CAF_CHECK(decode({{"cmd", "x"}, {"cwd", "outside"}}).error().code == errc::denied);
  CAF_CHECK(decode({{"cmd", "x"}, {"cwd", "sub/../../.."}}).error().code == errc::denied);
  CAF_CHECK_EQUAL(decode.good({{"cmd", "x"}, {"cwd", "inside"}}).cwd, decode.real("sub"));
  CAF_CHECK_EQUAL(decode.good({{"cmd", "x"}, {"cwd", decode.dir.path.string()}}).cwd,
                  decode.real(""));
}

CAF_TEST(the alias of the workspace leads to the real folder) {
  if (std::filesystem::exists("/workspace")) {
    std::cout << "SKIPPED the alias of the workspace leads to the real folder: there is a real one"
              << std::endl;
    return;
  }
  decoder decode;
  CAF_CHECK_EQUAL(decode.good({{"cmd", "x"}, {"cwd", "/workspace/sub"}}).cwd, decode.real("sub"));
}

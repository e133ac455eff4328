// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE tokens

#include "transport/tokens.hpp"

#include "auth_fixture.hpp"

#include <nlohmann/json.hpp>

#include <sys/stat.h>

#include <fstream>
#include <sstream>

using namespace holt;
using namespace holt::test;

namespace {

struct fixture {
  std::chrono::steady_clock::time_point now = std::chrono::steady_clock::now();
  std::chrono::system_clock::time_point wall = std::chrono::system_clock::now();
  std::filesystem::path folder;
  std::shared_ptr<authority> who;
  std::shared_ptr<token_store> store;
  identity all;

  fixture() {
    std::string name = (std::filesystem::temp_directory_path() / "holt-tokens-XXXXXX").string();
    CAF_REQUIRE(::mkdtemp(name.data()) != nullptr);
    folder = name;
    all.scopes = all_scopes;
    start();
  }
  ~fixture() {
    std::error_code ec;
    std::filesystem::remove_all(folder, ec);
  }
  std::filesystem::path file() const { return folder / "tokens.json"; }
  /// As a daemon that starts.
  void start() {
    who = std::make_shared<authority>(
      log::secret{word}, guard_policy{}, auth_limits{}, [this] { return now; },
      [this] { return wall; });
    auto got = token_store::open(file(), who, [this] { return wall; });
    CAF_REQUIRE(got);
    store = *got;
  }
  void later(std::chrono::seconds span) {
    now += span;
    wall += span;
  }
  token_store::made_token make(token_wish wish) {
    auto got = store->create(wish, all);
    CAF_REQUIRE(got);
    return *got;
  }
  identity person(const std::string& token) {
    auto got = who->identify(auth_fixture::bearer(token), false);
    CAF_REQUIRE(got);
    return *got;
  }
  std::string code_of(const std::string& token) {
    return auth_fixture::code(who->identify(auth_fixture::bearer(token), false));
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(tokens_tests, fixture)

CAF_TEST(a token allows its scopes and no others and is found after a restart) {
  const auto made = make({scopes{scope::fs} | scope::exec, "ci", {}});
  for (int life = 0; life < 2; ++life) {
    const auto one = person(made.text);
    CAF_CHECK(one.may(scope::fs));
    CAF_CHECK(one.may(scopes{scope::fs} | scope::exec));
    CAF_CHECK(!one.may(scope::admin));
    CAF_CHECK(!one.may(scope::view));
    CAF_CHECK_EQUAL(one.name, "ci");
    start();
  }
  CAF_CHECK_EQUAL(store->list().size(), 1u);
}

CAF_TEST(the file is private and does not hold the token) {
  const auto made = make({scope::view, "", {}});
  struct stat about {};
  CAF_REQUIRE(::stat(file().c_str(), &about) == 0);
  CAF_CHECK_EQUAL(about.st_mode & 0777u, 0600u);
  std::ifstream in{file()};
  std::ostringstream text;
  text << in.rdbuf();
  CAF_CHECK(text.str().find(made.text) == std::string::npos);
  CAF_CHECK(text.str().find(made.kept.id) != std::string::npos);
}

CAF_TEST(a token ends at its time also after a restart) {
  const auto made = make({scope::view, "short", 3600s});
  later(3599s);
  start();
  CAF_CHECK_EQUAL(code_of(made.text), "ok");
  later(1s);
  CAF_CHECK_EQUAL(code_of(made.text), "token_invalid");
  CAF_CHECK(store->list().empty());
  start();
  CAF_CHECK_EQUAL(code_of(made.text), "token_invalid");
}

CAF_TEST(revoking ends the token and what came from it and tells their sockets) {
  const auto made = make({all_scopes, "boss", {}});
  const auto other = make({scope::view, "other", {}});
  std::string told;
  auto watch = [&](const identity& one, const char* name) {
    CAF_REQUIRE(one.session != 0);
    CAF_CHECK(who->watch(one.session, [&told, name] { told += name; }) != 0);
  };
  const auto boss = person(made.text);
  watch(boss, "t");
  watch(person(other.text), "o");
  const auto opened = who->open_session(auth_fixture::plain({}, "POST"), "", made.text);
  CAF_REQUIRE(opened);
  watch(opened->who, "s");
  const auto ticket = who->make_ticket(scope::view, true, boss);
  const auto by_ticket = who->identify(auth_fixture::asked("ticket", ticket), true);
  CAF_REQUIRE(by_ticket);
  watch(*by_ticket, "k");
  CAF_CHECK(store->revoke("boss").has_value());
  std::sort(told.begin(), told.end());
  CAF_CHECK_EQUAL(told, "kst");
  CAF_CHECK_EQUAL(code_of(made.text), "token_invalid");
  CAF_CHECK(!who->identify(auth_fixture::asked("ticket", ticket), true));
  CAF_CHECK_EQUAL(code_of(other.text), "ok");
  CAF_CHECK(!store->revoke("boss").has_value());
}

CAF_TEST(the end of a token is told to its sockets) {
  const auto made = make({scope::view, "", 90s});
  std::string told;
  CAF_CHECK(who->watch(person(made.text).session, [&] { told += "e"; }) != 0);
  auto next = who->expire();
  CAF_REQUIRE(next.has_value());
  CAF_CHECK(*next == now + 60s); // the wall clock may be set meanwhile
  later(60s);
  next = who->expire();
  CAF_REQUIRE(next.has_value());
  CAF_CHECK(*next <= now + 30s);
  CAF_CHECK_EQUAL(told, "");
  later(30s);
  CAF_CHECK(!who->expire().has_value());
  CAF_CHECK_EQUAL(told, "e");
}

CAF_TEST(nobody makes a token that may more or lives longer than himself) {
  const auto made = make({scopes{scope::admin} | scope::view, "half", 3600s});
  const auto half = person(made.text);
  auto code = [&](const token_wish& wish) {
    auto got = store->create(wish, half);
    return got ? std::string{"ok"} : std::string{got.error().word()};
  };
  CAF_CHECK_EQUAL(code({scope::exec, "", 60s}), "forbidden");
  CAF_CHECK_EQUAL(code({scope::view, "", {}}), "forbidden");
  CAF_CHECK_EQUAL(code({scope::view, "", 7200s}), "forbidden");
  CAF_CHECK_EQUAL(code({scope::view, "half", 60s}), "exists");
  CAF_CHECK_EQUAL(code({scope::view, "", 60s}), "ok");
}

CAF_TEST(a file that is no list of tokens is an error) {
  for (const auto* text : {"", "{", "[]", R"({"tokens":[{}]})", R"({"tokens":[1]})",
                           R"({"tokens":[{"id":"a","name":"","scopes":["all"],"sha256":"00",)"
                           R"("created_ms":1}]})"}) {
    std::ofstream{file()} << text;
    CAF_CHECK(!token_store::open(file(), who).has_value());
  }
}

CAF_TEST(a wish names the field that is wrong) {
  using nlohmann::json;
  const std::pair<const char*, const char*> bad[] = {
    {R"({})", "scopes"},
    {R"({"scopes":null})", "scopes"},
    {R"({"scopes":"fs"})", "scopes"},
    {R"({"scopes":[]})", "scopes"},
    {R"({"scopes":["root"]})", "scopes"},
    {R"({"scopes":[1]})", "scopes"},
    {R"({"scopes":["fs"],"name":""})", "name"},
    {R"({"scopes":["fs"],"name":"a b"})", "name"},
    {R"({"scopes":["fs"],"name":5})", "name"},
    {R"({"scopes":["fs"],"expiresIn":0})", "expiresIn"},
    {R"({"scopes":["fs"],"expiresIn":-5})", "expiresIn"},
    {R"({"scopes":["fs"],"expiresIn":1.5})", "expiresIn"},
    {R"({"scopes":["fs"],"expiresIn":18446744073709551615})", "expiresIn"},
  };
  for (const auto& [text, field] : bad) {
    const auto got = read_token_wish(json::parse(text));
    CAF_MESSAGE(text);
    CAF_REQUIRE(!got);
    CAF_CHECK(got.error().detail.rfind(field, 0) == 0);
  }
  CAF_CHECK(read_token_wish(json::parse(R"({"scopes":["fs"],"name":null,"x":1})")).has_value());
}

CAF_TEST_FIXTURE_SCOPE_END()

// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE command_auth

#include "link/command_auth.hpp"

#include "tests/link/journal_fixture.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <fstream>
#include <sstream>

using namespace holt;
using namespace holt::link;
using nlohmann::json;

namespace {

constexpr std::int64_t now = 1'800'000'000'000;

std::string number(std::uint64_t bits) {
  return canonical_json(std::bit_cast<double>(bits));
}

command_auth with_keys(auth_options more = {}) {
  more.keys = {{"k1", "secret"}, {"k2", "other"}};
  return command_auth{std::move(more)};
}

json signed_command(std::string id, std::int64_t ts = now, std::string secret = "secret") {
  json out{{"type", "shell.exec"}, {"id", std::move(id)}, {"cmd", "true"}};
  out["auth"] = {{"kid", "k1"}, {"ts", ts}};
  out["auth"]["mac"] = command_mac(secret, out);
  return out;
}

std::string refusal(command_auth& auth, const json& what) {
  auto got = auth.check(what, now);
  if (got)
    return "";
  CAF_CHECK(got.error().code == errc::token_invalid);
  return got.error().detail;
}

/// The script in the source tree, above the folder of the programs.
std::string reference() {
  std::error_code none;
  for (auto at = std::filesystem::read_symlink("/proc/self/exe", none); at.has_relative_path();
       at = at.parent_path())
    if (auto found = at / "tests/link/jcs_reference.py"; std::filesystem::exists(found, none))
      return found.string();
  return {};
}

/// Any JSON value that has a text.
json random_json(std::mt19937_64& chance, int depth) {
  const auto pick = [&](std::uint64_t n) { return chance() % n; };
  const auto word = [&] {
    static constexpr std::array<const char*, 14> pieces{"a",
                                                        "b",
                                                        "Z",
                                                        "\"",
                                                        "\\",
                                                        "\n",
                                                        "\x01",
                                                        "\x7f",
                                                        "\xc3\xa9",
                                                        "\xee\x80\x80",
                                                        "\xef\xbf\xbd",
                                                        "\xf0\x9f\x98\x80",
                                                        "\xe2\x80\xa8",
                                                        "/"};
    std::string out;
    for (auto n = pick(5); n > 0; --n)
      out += pieces[pick(pieces.size())];
    return out;
  };
  switch (depth == 0 ? pick(6) : pick(8)) {
  case 0: return word();
  case 1: return pick(2) == 0;
  case 2: return nullptr;
  case 3: return static_cast<std::int64_t>(chance());
  case 4: {
    const auto value = std::bit_cast<double>(chance());
    return std::isfinite(value) ? value : 0.5;
  }
  case 5:
    return static_cast<double>(static_cast<std::int64_t>(pick(2'000'000)) - 1'000'000)
           * std::pow(10.0, static_cast<double>(pick(30)) - 15);
  case 6: {
    auto out = json::array();
    for (auto n = pick(4); n > 0; --n)
      out.push_back(random_json(chance, depth - 1));
    return out;
  }
  default: {
    auto out = json::object();
    for (auto n = pick(6); n > 0; --n)
      out[word()] = random_json(chance, depth - 1);
    return out;
  }
  }
}

} // namespace

CAF_TEST(numbers are written as ECMAScript writes them) {
  // RFC 8785, appendix B.
  CAF_CHECK_EQUAL(number(0x0000000000000000), "0");
  CAF_CHECK_EQUAL(number(0x8000000000000000), "0");
  CAF_CHECK_EQUAL(number(0x0000000000000001), "5e-324");
  CAF_CHECK_EQUAL(number(0x8000000000000001), "-5e-324");
  CAF_CHECK_EQUAL(number(0x7fefffffffffffff), "1.7976931348623157e+308");
  CAF_CHECK_EQUAL(number(0xffefffffffffffff), "-1.7976931348623157e+308");
  CAF_CHECK_EQUAL(number(0x4340000000000000), "9007199254740992");
  CAF_CHECK_EQUAL(number(0xc340000000000000), "-9007199254740992");
  CAF_CHECK_EQUAL(number(0x4430000000000000), "295147905179352830000");
  CAF_CHECK_EQUAL(number(0x44b52d02c7e14af5), "9.999999999999997e+22");
  CAF_CHECK_EQUAL(number(0x44b52d02c7e14af6), "1e+23");
  CAF_CHECK_EQUAL(number(0x44b52d02c7e14af7), "1.0000000000000001e+23");
  CAF_CHECK_EQUAL(number(0x444b1ae4d6e2ef4e), "999999999999999700000");
  CAF_CHECK_EQUAL(number(0x444b1ae4d6e2ef4f), "999999999999999900000");
  CAF_CHECK_EQUAL(number(0x444b1ae4d6e2ef50), "1e+21");
  CAF_CHECK_EQUAL(number(0x3eb0c6f7a0b5ed8c), "9.999999999999997e-7");
  CAF_CHECK_EQUAL(number(0x3eb0c6f7a0b5ed8d), "0.000001");
  CAF_CHECK_EQUAL(number(0x41b3de4355555553), "333333333.3333332");
  CAF_CHECK_EQUAL(number(0x41b3de4355555554), "333333333.33333325");
  CAF_CHECK_EQUAL(number(0x41b3de4355555555), "333333333.3333333");
  CAF_CHECK_EQUAL(number(0x41b3de4355555556), "333333333.3333334");
  CAF_CHECK_EQUAL(number(0xbecbf647612f3696), "-0.0000033333333333333333");
  CAF_CHECK_EQUAL(number(0x43143ff3c1cb0959), "1424953923781206.2");
  CAF_CHECK_EQUAL(canonical_json(json::parse("[1E30,4.50,2e-3,1e-27,30,30.0,-7]")),
                  "[1e+30,4.5,0.002,1e-27,30,30,-7]");
  // Every number is a double, also one that is written as a long integer.
  CAF_CHECK_EQUAL(canonical_json(json::parse("9007199254740993")), "9007199254740992");
  CAF_CHECK_EQUAL(canonical_json(json::parse("18446744073709551615")), "18446744073709552000");
}

CAF_TEST(strings and keys are written and sorted as the RFC says) {
  CAF_CHECK_EQUAL(canonical_json(json::parse(R"({
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
    "literals": [null, true, false]})")),
                  "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,"
                  "1e-27],\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}");
  // Section 3.2.3: U+1F600 comes before U+FB33, by UTF-16.
  const auto sorted = canonical_json(
    json::parse(R"({"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7})"));
  CAF_CHECK_EQUAL(sorted, "{\"\\r\":2,\"1\":4,\"\xc2\x80\":6,\"\xc3\xb6\":7,\"\xe2\x82\xac\":1,"
                          "\"\xf0\x9f\x98\x80\":5,\"\xef\xac\xb3\":3}");
  CAF_CHECK_EQUAL(canonical_json(json::parse(R"({"ab":1,"a":2,"":3,"b":{}, "c":[]})")),
                  R"({"":3,"a":2,"ab":1,"b":{},"c":[]})");
}

CAF_TEST(text and mac agree with a reference in Python) {
  const auto script = reference();
  const auto* missing = script.empty()                                        ? "no script"
                        : std::system("python3 -c pass >/dev/null 2>&1") != 0 ? "no python3"
                                                                              : nullptr;
  if (missing != nullptr) {
    std::printf("SKIPPED text and mac agree with a reference in Python: %s\n", missing);
    return;
  }
  std::mt19937_64 chance{test::test_seed()};
  test::journal_dir dir;
  const auto in = (dir.path / "in").string();
  const auto out = (dir.path / "out").string();
  std::vector<json> values;
  {
    std::ofstream lines{in};
    for (int i = 0; i < 3'000; ++i) {
      auto value = random_json(chance, 4);
      if (value.is_object() && i % 2)
        value["auth"] = {{"kid", "k1"}, {"ts", now + i}, {"mac", "x"}};
      lines << value.dump() << '\n';
      values.push_back(json::parse(value.dump()));
    }
  }
  const auto line = "python3 '" + script + "' <'" + in + "' >'" + out + "'";
  CAF_REQUIRE_EQUAL(std::system(line.c_str()), 0);
  std::ifstream said{out};
  for (const auto& value : values) {
    std::string expected;
    CAF_REQUIRE(std::getline(said, expected));
    CAF_REQUIRE_EQUAL(command_mac("secret", value) + "\t" + canonical_json(value), expected);
  }
}

CAF_TEST(without keys nothing is asked) {
  command_auth auth{{}};
  CAF_CHECK(auth.check(json::object(), now).value() == signature::not_required);
  CAF_CHECK(auth.check(json(7), now).value() == signature::not_required);
}

CAF_TEST(a signed command passes and is known the second time) {
  auto auth = with_keys();
  const auto what = signed_command("1");
  CAF_CHECK(auth.check(what, now).value() == signature::fresh);
  CAF_CHECK(auth.check(what, now + 1'000).value() == signature::seen);
  CAF_CHECK(auth.check(signed_command("2"), now).value() == signature::fresh);
  CAF_CHECK(auth.check(signed_command("1", now + 1), now).value() == signature::fresh);
}

CAF_TEST(each refusal says what is wrong) {
  auto auth = with_keys();
  CAF_CHECK_EQUAL(refusal(auth, json(7)), "auth: missing; this session takes signed commands only");
  CAF_CHECK_EQUAL(refusal(auth, json::object()),
                  "auth: missing; this session takes signed commands only");
  const auto good = signed_command("1");
  auto with = [&](auto change) {
    auto out = good;
    change(out);
    return refusal(auth, out);
  };
  CAF_CHECK_EQUAL(with([](json& c) { c["auth"] = "x"; }), "auth: must be {kid, ts, mac}");
  CAF_CHECK_EQUAL(with([](json& c) { c["auth"]["kid"] = 1; }), "auth: kid must be a string");
  CAF_CHECK_EQUAL(with([](json& c) { c["auth"].erase("ts"); }),
                  "auth: ts must be an integer, milliseconds since 1970");
  CAF_CHECK_EQUAL(with([](json& c) { c["auth"]["ts"] = 1.5; }),
                  "auth: ts must be an integer, milliseconds since 1970");
  CAF_CHECK_EQUAL(with([](json& c) { c["auth"]["mac"] = nullptr; }), "auth: mac must be a string");
  CAF_CHECK_EQUAL(with([](json& c) { c["auth"]["kid"] = "k3"; }), "auth: unknown kid");
  CAF_CHECK_EQUAL(with([](json& c) { c["auth"]["kid"] = "k2"; }), "auth: wrong mac");
  CAF_CHECK_EQUAL(with([](json& c) { c["auth"]["mac"] = ""; }), "auth: wrong mac");
  CAF_CHECK_EQUAL(with([](json& c) { c["cmd"] = "false"; }), "auth: wrong mac");
  CAF_CHECK_EQUAL(with([](json& c) { c["auth"]["ts"] = now + 1; }), "auth: wrong mac");
  CAF_CHECK_EQUAL(with([](json& c) { c["auth"]["more"] = 1; }), "auth: wrong mac");
  CAF_CHECK_EQUAL(refusal(auth, signed_command("1", now, "guess")), "auth: wrong mac");
  CAF_CHECK_EQUAL(refusal(auth, signed_command("1", now - 301'000)),
                  "auth: ts is 301 s old; check the clock, sign anew");
  CAF_CHECK_EQUAL(refusal(auth, signed_command("1", now + 400'000)),
                  "auth: ts is 400 s ahead; check the clock, sign anew");
  auto huge = good;
  huge["auth"]["ts"] = UINT64_MAX;
  huge["auth"]["mac"] = command_mac("secret", huge);
  CAF_CHECK(refusal(auth, huge).ends_with("s ahead; check the clock, sign anew"));
  // Nothing of all this was remembered.
  CAF_CHECK(auth.check(good, now).value() == signature::fresh);
}

CAF_TEST(signatures are remembered as long as they would pass and no longer) {
  auth_options how;
  how.memory = 3;
  auto auth = with_keys(how);
  for (int i = 0; i < 3; ++i)
    CAF_CHECK(auth.check(signed_command(std::to_string(i), now + i), now).has_value());
  CAF_CHECK(auth.check(signed_command("3"), now).error().code == errc::busy);
  CAF_CHECK(auth.check(signed_command("0"), now).value() == signature::seen);
  const auto later = now + how.window_ms + 1;
  CAF_CHECK(!auth.check(signed_command("0"), later).has_value());
  CAF_CHECK(auth.check(signed_command("1", now + 1), later).value() == signature::seen);
  CAF_CHECK(auth.check(signed_command("4", later), later).value() == signature::fresh);
}

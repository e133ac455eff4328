// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE json_guard

#include "transport/json_guard.hpp"

#include "check.hpp"

#include <caf/all.hpp>

using namespace holt;
using http::parse_json;
using nlohmann::json;
using namespace std::string_literals;

namespace {

std::string repeat(const std::string& what, std::size_t n) {
  std::string out;
  for (std::size_t i = 0; i < n; ++i)
    out += what;
  return out;
}

void check_all(const std::vector<std::string>& texts, bool good) {
  for (const auto& text : texts) {
    auto got = parse_json(text);
    if (got.has_value() != good)
      CAF_ERROR((good ? "refused: " : "taken: ")
                << text.substr(0, 100) << (got ? "" : " " + got.error().detail));
    else if (!good)
      CAF_CHECK(got.error().code == errc::invalid_request && !got.error().detail.empty());
    else
      CAF_CHECK(!got->is_discarded());
  }
}

} // namespace

CAF_TEST(what is JSON is taken) {
  check_all({"null",
             "true",
             "false",
             "0",
             "-0",
             "1",
             "-1",
             "123456789",
             "1.5",
             "1e3",
             "1E+3",
             "1e-3",
             "-0.1e1",
             "\"\"",
             "\"a\"",
             " 1 ",
             "\t\r\n[ ]\n",
             "[]",
             "{}",
             "[[]]",
             "[1,2,3]",
             "[null,1]",
             "{\"a\":1}",
             "{\"\":0}",
             "{\"a\":{\"a\":1}}",
             "[{\"a\":1},{\"a\":2}]",
             R"("\u0060\u012a\u12AB")",
             R"("\uD834\uDD1E")",
             R"("\"\\\/\b\f\n\r\t")",
             R"("\\u0000")",
             R"(["\u0000"])",
             "\"\x7f\"",
             "\"\xc3\xa9\"",
             "\"\xe2\x82\xac\"",
             "\"\xf0\x9f\x98\x80\"",
             "\"\xe2\x80\xa8\xe2\x80\xa9\"",
             "\"\xef\xbf\xbf\"",
             "18446744073709551615",
             "-9223372036854775808",
             "123123123123123123123123123",
             "0.4e-10000",
             "[\"a\",\n4 , true ]",
             R"({"asd":"sdf", "dfg":"fgh"})",
             R"({"a":[]})",
             R"("new\u00A0line")"},
            true);
}

CAF_TEST(what is no JSON is refused) {
  check_all({"",
             " ",
             "nul",
             "truth",
             "True",
             "NULL",
             "nan",
             "NaN",
             "Infinity",
             "-Infinity",
             "+1",
             ".5",
             "1.",
             "-",
             "-.5",
             "01",
             "-01",
             "1e",
             "1e+",
             "0x1F",
             "1_000",
             "1 2",
             "[1 2]",
             "[1,]",
             "[,1]",
             "[1,,2]",
             "[",
             "]",
             "[1",
             "[1]]",
             "{",
             "}",
             "{]",
             "[}",
             "{\"a\"}",
             "{\"a\":}",
             "{\"a\":1,}",
             "{a:1}",
             "{'a':1}",
             "{1:1}",
             "{\"a\" 1}",
             "{\"a\"::1}",
             "{\"a\":1 \"b\":2}",
             "{,}",
             "'a'",
             "\"",
             "\"a",
             "\"\\\"",
             R"("\x41")",
             R"("\u12")",
             R"("\u12G4")",
             R"("\uD834")",
             R"("\uDD1E\uD834")",
             R"("\uD834\u0041")",
             R"("\a")",
             R"("\)",
             "\"\t\"",
             "\"\n\"",
             "\"a\x1f\"",
             "//c\n1",
             "/* c */ 1",
             "1 // c",
             "[1] x",
             "{}{}",
             "undefined",
             "[1:2]",
             "\"a\" \"b\"",
             "\xc2\xa0"
             "1",
             "\x0c"
             "1",
             "#1",
             "[\"\",",
             "1e400",
             "-1e400",
             "*",
             "<null>",
             "\\u0031"},
            false);
}

CAF_TEST(malformed UTF - 8 is refused wherever it stands) {
  for (const auto* bytes :
       {"\xff", "\xc3", "\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
        "\xf8\x88\x80\x80\x80", "\xe2\x82", "\xf0\x9f\x98"}) {
    const std::string bad{bytes};
    check_all({"\"" + bad + "\"", "{\"" + bad + "\":1}", "[" + bad + "]", bad, "1" + bad}, false);
  }
}

CAF_TEST(a NUL and a byte order mark are refused) {
  check_all({"1\0"s, "\0"s, "\"a\0b\""s, "[1,\0"s, "{}\0"s, "\xef\xbb\xbf{}", "\xef\xbb\xbf",
             "\xff\xfe[\0"s},
            false);
}

CAF_TEST(a name stands once in an object) {
  check_all({R"({"a":1,"a":1})", R"({"a":1,"b":2,"a":3})", R"([{"x":{"a":1,"a":2}}])",
             R"({"a":1,"\u0061":2})", R"({"":1,"":2})"},
            false);
  auto got = parse_json(R"({"password":1,"password":2})");
  CAF_CHECK_EQUAL(got.error().detail, "the name 'password' stands twice in one object");
  const std::string name(500, 'n');
  got = parse_json("{\"" + name + "\":1,\"" + name + "\":2}");
  CAF_CHECK(got.error().detail.size() < 200);
}

CAF_TEST(depth is limited) {
  check_all({repeat("[", 64) + repeat("]", 64), repeat("{\"a\":", 64) + "1" + repeat("}", 64)},
            true);
  check_all({repeat("[", 65) + repeat("]", 65), repeat("{\"a\":", 65) + "1" + repeat("}", 65),
             repeat("[", 100'000), repeat("[{\"\":", 50'000)},
            false);
  CAF_CHECK(!parse_json("[[1]]", {1, 100}));
  CAF_CHECK(parse_json("[1]", {1, 100}));
}

CAF_TEST(the number of values is limited) {
  auto list = [](std::size_t n) { return "[" + repeat("0,", n - 1) + "0]"; };
  CAF_CHECK(parse_json(list(9'999)));
  CAF_CHECK(!parse_json(list(10'000)));
  CAF_CHECK_EQUAL(parse_json(list(10'000)).error().detail, "too many values");
  CAF_CHECK(parse_json(R"({"a":[1]})", {64, 4}));
  CAF_CHECK(!parse_json(R"({"a":[1]})", {64, 3}));
  CAF_CHECK(!parse_json("[[],[],[]]", {64, 3}));
}

CAF_TEST(numbers keep their kind) {
  CAF_CHECK(parse_json("1")->is_number_unsigned());
  CAF_CHECK(parse_json("-1")->is_number_integer());
  CAF_CHECK(parse_json("1.0")->is_number_float());
  CAF_CHECK(parse_json("18446744073709551616")->is_number_float());
  CAF_CHECK_EQUAL(parse_json("18446744073709551615")->get<std::uint64_t>(), UINT64_MAX);
}

CAF_TEST(what is written is to the byte what the library writes) {
  const auto theirs
    = [](const json& what) { return what.dump(-1, ' ', false, json::error_handler_t::replace); };
  for (int c = 0; c < 256; ++c) // every byte at every place of an eight
    for (std::size_t at = 0; at < 9; ++at) {
      std::string text(9, 'x');
      text[at] = static_cast<char>(c);
      CAF_REQUIRE_EQUAL(http::dump_safe(text), theirs(text));
    }
  const json all{{"", json::array({1, -2, 0.1, 1e300, true, false, nullptr, json::object()})},
                 {"a\"\\\n", {{"b", json::array()}, {"c", {{{"d", "\xe2\x82\xac\x7f\t\r\b\f"}}}}}},
                 {"large", std::string(100'000, 'x') + "\n" + std::string(9, '\\')}};
  CAF_CHECK_EQUAL(http::dump_safe(all), theirs(all));
}

CAF_TEST(what is written never throws) {
  CAF_CHECK_EQUAL(http::dump_safe(json{{"a", "\xff"}, {"b", 1}}),
                  "{\"a\":\"\xef\xbf\xbd\",\"b\":1}");
  CAF_CHECK_EQUAL(http::dump_safe(json{"\xe2\x82"}), "[\"\xef\xbf\xbd\"]");
  CAF_CHECK_EQUAL(http::dump_safe(nullptr), "null");
}

CAF_TEST(what is taken comes back the same) {
  for (const auto* text :
       {R"({"a":[1,-2,3.5,null,true,"x"],"b":{"c":{}}})", R"(["\u0000"])", R"("\ud834\udd1e")"}) {
    auto got = parse_json(text);
    CAF_REQUIRE(got);
    auto again = parse_json(http::dump_safe(*got));
    CAF_REQUIRE(again);
    CAF_CHECK(*again == *got);
  }
}

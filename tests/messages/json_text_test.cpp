// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE json_text

#include "messages/json_text.hpp"

#include "check.hpp"

#include <caf/all.hpp>

#include <nlohmann/json.hpp>

#include <random>

using namespace holt;
using namespace std::string_literals;

namespace {

bool whole(std::string_view text) {
  return json_text::whole_value(text).has_value();
}

} // namespace

CAF_TEST(what is JSON is found whole) {
  for (const char* text :
       {"null", "true", "false", "0", "-0", "12.5e-3", "1E9", R"("")", R"("a\n\u00e9\"")", "[]",
        "{}", "[1, [2, {\"a\" : [] }]]", R"( {"a":{"b":"c"}, "d":[null]} )", "\"\xC3\xA9\""})
    CAF_CHECK(whole(text));
}

CAF_TEST(what is no JSON is refused) {
  for (const std::string& text : {""s,
                                  " "s,
                                  "nul"s,
                                  "01"s,
                                  "1."s,
                                  ".5"s,
                                  "-"s,
                                  "+1"s,
                                  "1e"s,
                                  "\"a"s,
                                  "\"\\x\""s,
                                  "\"\\u12g4\""s,
                                  "\"a\nb\""s,
                                  "[1,]"s,
                                  "[,1]"s,
                                  "[1 2]"s,
                                  "{\"a\"}"s,
                                  "{\"a\":}"s,
                                  "{a:1}"s,
                                  "{\"a\":1,}"s,
                                  "[}"s,
                                  "{]"s,
                                  "[1]]"s,
                                  "1 2"s,
                                  "\"\xC3\""s,
                                  "\"\xED\xA0\x80\""s,
                                  "NaN"s,
                                  "'a'"s,
                                  "[\"a\\"s,
                                  "[0\0]"s,
                                  "\xEF\xBB\xBF{}"s,
                                  "// c\n1"s})
    CAF_CHECK(!whole(text));
}

CAF_TEST(nesting has a limit) {
  const auto nested = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  CAF_CHECK(whole(nested(json_text::max_depth)));
  CAF_CHECK(!whole(nested(json_text::max_depth + 1)));
  CAF_CHECK(!whole(std::string(1'000'000, '[')));
}

CAF_TEST(a string is unquoted and quoted again) {
  CAF_CHECK_EQUAL(json_text::unquote(R"("a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00")").value_or("none"),
                  "a\"\\/\b\f\n\r\t\xC3\xA9\xF0\x9F\x98\x80");
  CAF_CHECK(!json_text::unquote(R"("\ud83d")"));
  CAF_CHECK(!json_text::unquote(R"("\ude00\ud83d")"));
  CAF_CHECK(!json_text::unquote("12"));
  for (const std::string& plain : {"a\0b"s, "\"\\\n\r\t\x01"s, "\xC3\xA9 \xF0\x9F\x98\x80"s})
    CAF_CHECK_EQUAL(json_text::unquote(json_text::quoted(plain)).value_or("none"), plain);
  CAF_CHECK_EQUAL(json_text::quoted("a\xFFz"), "\"a\xEF\xBF\xBDz\"");
}

CAF_TEST(a walk through an object sees every member and the first fault) {
  std::string seen;
  json_text::walker each{R"( { "a" : 1 , "b":[2,3],"c":{"a":4} } )",
                         json_text::walker::kind::object};
  while (each.next())
    seen += std::string{each.key()} + "=" + std::string{each.value()} + ";";
  CAF_CHECK(each.ok());
  CAF_CHECK_EQUAL(seen, R"("a"=1;"b"=[2,3];"c"={"a":4};)");
  for (const char* text : {R"({"a":1)", R"({"a":1,})", R"({"a":1}x)", R"({"a" 1})", "[]", ""}) {
    json_text::walker bad{text, json_text::walker::kind::object};
    while (bad.next()) {
    }
    CAF_CHECK(!bad.ok());
  }
}

/// The library refuses 1e999, which is JSON all the same.
static bool beyond_double(const std::string& text) {
  try {
    return nlohmann::json::parse(text).is_discarded();
  } catch (const nlohmann::json::out_of_range&) {
    return true;
  } catch (const nlohmann::json::exception&) {
  }
  return false;
}

CAF_TEST(scanner and library agree on a hundred thousand damaged documents) {
  const auto seed = std::random_device{}();
  CAF_MESSAGE("seed " << seed);
  std::mt19937 random{seed};
  const std::string base
    = R"({"a":[1,-2.5e3,true,null,"x\u00e9\n"],"b":{"c":{},"d":[]},"e":"\ufeff é"})";
  const std::string alphabet = "{}[]\",:\\0123456789.eE-+truefalsn \t\xC3\xA9";
  for (int i = 0; i < 100'000; ++i) {
    auto text = base;
    for (auto n = random() % 3 + 1; n > 0; --n) {
      const auto at = random() % text.size();
      const char c = alphabet[random() % alphabet.size()];
      switch (random() % 3) {
      case 0: text[at] = c; break;
      case 1: text.insert(at, 1, c); break;
      default: text.erase(at, 1);
      }
    }
    if (whole(text) != nlohmann::json::accept(text) && !beyond_double(text))
      CAF_FAIL("they differ on " << text);
  }
}

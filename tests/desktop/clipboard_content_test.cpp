// SPDX-License-Identifier: Apache-2.0
#define CAF_SUITE clipboard_content

#include "desktop/clipboard_content.hpp"

#include "check.hpp"

#include <caf/all.hpp>

using namespace holt;
using namespace holt::desktop;

CAF_TEST(targets stand for media types and orders for none) {
  for (const char* text : {"UTF8_STRING", "STRING", "TEXT", "COMPOUND_TEXT", "text/plain",
                           "text/plain;charset=utf-8", "Text/Plain;charset=x"})
    CAF_CHECK_EQUAL(media_type_of(text), "text/plain");
  CAF_CHECK_EQUAL(media_type_of("text/html"), "text/html");
  CAF_CHECK_EQUAL(media_type_of("IMAGE/PNG"), "image/png");
  for (const char* none :
       {"TARGETS", "TIMESTAMP", "MULTIPLE", "SAVE_TARGETS", "DELETE", "", "a b/c"})
    CAF_CHECK_EQUAL(media_type_of(none), "");
}

CAF_TEST(the best target is asked for first) {
  const std::vector<std::string> all{"TARGETS",     "STRING",    "text/plain",   "image/bmp",
                                     "UTF8_STRING", "image/png", "image/svg+xml"};
  CAF_CHECK_EQUAL(target_for("text/plain", all), "UTF8_STRING");
  CAF_CHECK_EQUAL(target_for("text/plain", all, 1), "text/plain");
  CAF_CHECK_EQUAL(target_for("text/plain", all, 2), "STRING");
  CAF_CHECK_EQUAL(target_for("text/plain", all, 3), "");
  CAF_CHECK_EQUAL(target_for("image", all), "image/png");
  CAF_CHECK_EQUAL(target_for("image", all, 1), "image/bmp");
  CAF_CHECK_EQUAL(target_for("image", all, 2), "");
  CAF_CHECK_EQUAL(target_for("image", {"image/svg+xml"}), "image/svg+xml");
  CAF_CHECK_EQUAL(target_for("text/html", all), "");
}

CAF_TEST(a text goes through its older forms) {
  CAF_CHECK_EQUAL(to_latin1("grün 日!"), "gr\xfcn ?!");
  CAF_CHECK_EQUAL(from_latin1("gr\xfcn"), "grün");
  CAF_CHECK_EQUAL(to_compound_text("grün"), "gr\xfcn");
  CAF_CHECK_EQUAL(to_compound_text("日"), "\x1b%G日\x1b%@");
  using namespace std::string_literals;
  CAF_CHECK_EQUAL(from_utf16("\xff\xfe"
                             "a\0\xe5\x65\x3d\xd8\x00\xde"s),
                  "a日😀");
  CAF_CHECK_EQUAL(from_utf16("\xfe\xff"
                             "\0a\xd8\x3d"s),
                  "a\xef\xbf\xbd");
  CAF_CHECK_EQUAL(from_utf16("plain"), "plain");
}

CAF_TEST(what a target brought is decoded by what it says it is) {
  CAF_CHECK_EQUAL(*decode_target("STRING", "STRING", "gr\xfcn"), "grün");
  CAF_CHECK_EQUAL(*decode_target("UTF8_STRING", "UTF8_STRING", "grün"), "grün");
  CAF_CHECK_EQUAL(*decode_target("text/plain", "text/plain", "gr\xfcn"), "grün");
  CAF_CHECK(!decode_target("UTF8_STRING", "UTF8_STRING", "gr\xfcn"));
  CAF_CHECK_EQUAL(*decode_target("image/png", "image/png", "\x89\xff"), "\x89\xff");
}

CAF_TEST(pictures are known by how they begin) {
  CAF_CHECK_EQUAL(picture_type("\x89PNG\r\n\x1a\nrest"), "image/png");
  CAF_CHECK_EQUAL(picture_type("\xff\xd8\xff\xe0"), "image/jpeg");
  CAF_CHECK_EQUAL(picture_type("GIF89a"), "image/gif");
  CAF_CHECK_EQUAL(picture_type("RIFF1234WEBPVP8 "), "image/webp");
  CAF_CHECK_EQUAL(picture_type("<svg/>"), "");
  CAF_CHECK_EQUAL(picture_type(""), "");
}

CAF_TEST(html reads as its text) {
  CAF_CHECK_EQUAL(text_of_html("<p>one <b>two</b></p><p>three</p>"), "one two\nthree");
  CAF_CHECK_EQUAL(text_of_html("<head><meta x><body>kept"), "kept");
  CAF_CHECK_EQUAL(text_of_html("<style>a<!-- </style>kept"), "kept");
  CAF_CHECK_EQUAL(text_of_html("a<br>b<br/>c"), "a\nb\nc");
  CAF_CHECK_EQUAL(text_of_html("<head><title>no</title></head><style>x{}</style>yes"), "yes");
  CAF_CHECK_EQUAL(text_of_html("<script>if (a<b) no()</script>yes"), "yes");
  CAF_CHECK_EQUAL(text_of_html("<a title='>'>link</a> &amp; &lt;&#228;&#x65e5;&gt; &bogus; &#0;"),
                  "link & <ä日> &bogus; &#0;");
  CAF_CHECK_EQUAL(text_of_html("<tr><td>1</td><td>2</td></tr><tr><td>3</td></tr>"), "1\t2\n3");
  CAF_CHECK_EQUAL(text_of_html("<pre>a\n  b</pre>"), "a\n  b");
  CAF_CHECK_EQUAL(text_of_html("1 < 2 <!-- no --> x"), "1 < 2 x");
  CAF_CHECK_EQUAL(text_of_html("<!-- open"), "");
  CAF_CHECK_EQUAL(text_of_html("<a b='"), "");
  CAF_CHECK_EQUAL(text_of_html("  lead   and trail  "), "lead and trail");
}

CAF_TEST(addresses of files are also told to file managers) {
  const auto all = targets_of(
    {{std::string{uri_list}, std::make_shared<const std::string>("file:///a\r\nfile:///b\r\n")}});
  CAF_REQUIRE_EQUAL(all.size(), 2u);
  CAF_CHECK_EQUAL(all[1].name, "x-special/gnome-copied-files");
  CAF_CHECK_EQUAL(*all[1].bytes, "copy\nfile:///a\nfile:///b");
}

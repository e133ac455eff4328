// SPDX-License-Identifier: Apache-2.0

// What other programs put on the clipboard: names of targets, then bytes that claim to be text,
// HTML or a picture. The first line is the target.

#include "desktop/clipboard_content.hpp"
#include "messages/command.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace holt;

FUZZ(clipboard) {
  const auto all = std::string{fuzz::text(data)};
  const auto end = std::min(all.find('\n'), all.size());
  const auto target = all.substr(0, end);
  const auto bytes = end < all.size() ? all.substr(end + 1) : std::string{};
  const auto type = desktop::media_type_of(target);
  fuzz::must(type.empty() || type.find('/') != std::string::npos, "a media type has two halves");
  for (const auto* how : {"UTF8_STRING", "STRING", "COMPOUND_TEXT", "text/html"}) {
    const auto got = desktop::decode_target(target, how, bytes);
    if (got && (type == desktop::plain_text || type == desktop::html_text))
      fuzz::must(is_utf8(*got), "a text is UTF-8");
    if (!got)
      fuzz::must(!got.error().detail.empty(), "a refusal says why");
  }
  const auto html = desktop::text_of_html(bytes);
  fuzz::must(html.size() <= bytes.size() * 4, "a text is not much larger than its HTML");
  if (is_utf8(bytes)) {
    fuzz::must(is_utf8(html), "the text of HTML is UTF-8");
    fuzz::must(desktop::to_latin1(bytes).size() <= bytes.size(), "Latin-1 is no longer");
    static_cast<void>(desktop::to_compound_text(bytes));
  }
  static_cast<void>(desktop::picture_type(bytes));
  static_cast<void>(desktop::target_for(type.empty() ? "image" : type, {target, "UTF8_STRING"}));
}

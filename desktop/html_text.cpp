// SPDX-License-Identifier: Apache-2.0

// HTML as it reads, for programs that paste text only. No parser of the standard: a reader that
// takes anything and leaves out what is no text. Pure, linear.

#include "desktop/clipboard_content.hpp"

#include <algorithm>
#include <array>

namespace holt::desktop {

namespace {

/// Not `head`, whose end may be left out.
constexpr std::array<std::string_view, 4> silent{"script", "style", "title", "template"};
constexpr std::array<std::string_view, 24> blocks{
  "p",  "div", "br",         "li",      "ul",      "ol",     "table",  "tr",
  "h1", "h2",  "h3",         "h4",      "h5",      "h6",     "hr",     "dl",
  "dt", "pre", "blockquote", "section", "article", "header", "footer", "dd"};

struct entity {
  std::string_view name;
  std::string_view text;
};
constexpr std::array<entity, 6> entities{
  {{"amp", "&"}, {"lt", "<"}, {"gt", ">"}, {"quot", "\""}, {"apos", "'"}, {"nbsp", " "}}};

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::string lower(std::string_view text) {
  std::string out{text};
  for (char& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return out;
}

template <class All>
bool holds(const All& all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

class reader {
public:
  explicit reader(std::string_view html) : html_(html) {}

  std::string read() {
    while (at_ < html_.size()) {
      if (html_[at_] == '<' && tag())
        continue;
      if (html_[at_] == '&' && reference())
        continue;
      letter(html_[at_++]);
    }
    while (!out_.empty() && is_blank(out_.back()))
      out_.pop_back();
    return std::move(out_);
  }

private:
  void letter(char c) {
    if (!silent_.empty())
      return;
    if (preformatted_ == 0 && is_blank(c)) {
      blank_ = true;
      return;
    }
    if (blank_ && !out_.empty() && out_.back() != '\n' && out_.back() != '\t')
      out_ += ' ';
    blank_ = false;
    out_ += c;
  }

  void line() {
    blank_ = false;
    if (!out_.empty() && out_.back() != '\n')
      out_ += '\n';
  }

  /// True: a tag or a comment was passed.
  bool tag() {
    if (silent_.empty() && html_.substr(at_, 4) == "<!--") {
      const auto end = html_.find("-->", at_ + 4);
      at_ = end == std::string_view::npos ? html_.size() : end + 3;
      return true;
    }
    auto from = at_ + 1;
    const bool closes = from < html_.size() && html_[from] == '/';
    if (closes)
      ++from;
    const bool known
      = from < html_.size() && (html_[from] == '!' || html_[from] == '?' || is_name(html_[from]));
    if (!known || (!silent_.empty() && !closes))
      return false; // in a script, `<` is no tag
    auto to = from;
    while (to < html_.size() && is_name(html_[to]))
      ++to;
    const auto name = lower(html_.substr(from, std::min<std::size_t>(to - from, 16)));
    if (!silent_.empty() && name != silent_)
      return false;
    // A `>` in a quoted value ends nothing.
    char quote = 0;
    while (to < html_.size() && (quote != 0 || html_[to] != '>')) {
      if (quote != 0)
        quote = html_[to] == quote ? '\0' : quote;
      else if (html_[to] == '"' || html_[to] == '\'')
        quote = html_[to];
      ++to;
    }
    at_ = std::min(to + 1, html_.size());
    enter(name, closes);
    return true;
  }

  void enter(const std::string& name, bool closes) {
    if (!silent_.empty())
      return silent_.clear();
    if (!closes && holds(silent, name))
      silent_ = name;
    else if (name == "pre")
      preformatted_ = closes ? std::max(0, preformatted_ - 1) : preformatted_ + 1;
    if (name == "td" || name == "th") {
      if (!closes && !out_.empty() && out_.back() != '\n')
        out_ += '\t';
      blank_ = false;
    } else if (name == "br") {
      blank_ = false;
      out_ += '\n';
    } else if (holds(blocks, name)) {
      line();
    }
  }

  bool reference() {
    const auto near = html_.substr(at_, 12); // longer is none
    const auto end = near.find(';');
    if (end == std::string_view::npos)
      return false;
    const auto name = near.substr(1, end - 1);
    std::string text;
    for (const auto& one : entities)
      if (one.name == name)
        text = one.text;
    if (text.empty() && name.size() > 1 && name[0] == '#')
      text = numbered(name.substr(1));
    if (text.empty())
      return false;
    at_ += end + 1;
    if (silent_.empty()) {
      if (blank_ && !out_.empty() && out_.back() != '\n')
        out_ += ' ';
      blank_ = false;
      out_ += text;
    }
    return true;
  }

  static std::string numbered(std::string_view digits) {
    const bool hex = digits[0] == 'x' || digits[0] == 'X';
    const unsigned base = hex ? 16 : 10;
    unsigned value = 0;
    if (hex && digits.size() == 1)
      return {};
    for (char c : lower(digits.substr(hex ? 1 : 0))) {
      const unsigned digit = c >= '0' && c <= '9'          ? static_cast<unsigned>(c - '0')
                             : hex && c >= 'a' && c <= 'f' ? static_cast<unsigned>(c - 'a' + 10)
                                                           : 99U;
      if (digit >= base)
        return {};
      value = value * base + digit;
      if (value > 0x10ffff)
        return {};
    }
    const bool bad
      = value < 0x20 || (value >= 0x7f && value < 0xa0) || (value >= 0xd800 && value < 0xe000);
    if (bad)
      return {};
    // By way of UTF-16, which there is a reader for.
    std::string units{"\xfe\xff"};
    auto put = [&](unsigned unit) {
      units += static_cast<char>(unit >> 8);
      units += static_cast<char>(unit & 0xff);
    };
    if (value >= 0x10000) {
      put(0xd800 + ((value - 0x10000) >> 10));
      put(0xdc00 + ((value - 0x10000) & 0x3ff));
    } else {
      put(value);
    }
    return from_utf16(units);
  }

  std::string_view html_;
  std::size_t at_ = 0;
  std::string out_;
  std::string silent_; ///< the element that is left out
  int preformatted_ = 0;
  bool blank_ = false; ///< a blank is due before the next letter
};

} // namespace

std::string text_of_html(std::string_view html) {
  return reader{html}.read();
}

} // namespace holt::desktop

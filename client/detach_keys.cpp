// SPDX-License-Identifier: Apache-2.0
#include "client/detach_keys.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace holt::client {

namespace {

/// Other screens, mouse reports, focus reports, pasting in brackets, application cursor keys.
constexpr std::array<unsigned, 13> known{1,    47,   1000, 1002, 1003, 1004, 1005,
                                         1006, 1015, 1047, 1048, 1049, 2004};
constexpr std::size_t longest = 64;

} // namespace

result<detach_keys> detach_keys::read(std::string_view text) {
  detach_keys out;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto key = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    const bool control = key.size() == 6 && key.starts_with("ctrl-");
    const auto ch = static_cast<unsigned char>(key.empty() ? 0 : key.back());
    if (control && ((ch >= 'a' && ch <= 'z') || (ch >= '@' && ch <= '_')))
      out.keys_ += static_cast<char>(ch & 0x1f);
    else if (key.size() == 1 && ch > 0x20 && ch < 0x7f)
      out.keys_ += key;
    else
      return error{errc::usage, "--detach-keys is a list like ctrl-p,ctrl-q or ctrl-],q"};
  }
  return out;
}

std::string detach_keys::feed(std::string_view typed, bool& found) {
  std::string out;
  found = false;
  if (keys_.empty())
    return std::string{typed};
  for (const char ch : typed) {
    if (ch != keys_[seen_]) { // what was held back was typed after all
      // The longest end of it that is a beginning may still become the whole.
      std::string held = keys_.substr(0, seen_) + ch;
      seen_ = 0;
      std::size_t keep = std::min(held.size(), keys_.size() - 1);
      while (keep > 0 && held.compare(held.size() - keep, keep, keys_, 0, keep) != 0)
        --keep;
      out.append(held, 0, held.size() - keep);
      seen_ = keep;
      continue;
    }
    if (++seen_ == keys_.size()) {
      seen_ = 0;
      found = true;
      return out;
    }
  }
  return out;
}

void terminal_modes::set(bool on) {
  const auto end = parameters_.data() + parameters_.size();
  for (const char* at = parameters_.data(); at < end; ++at) {
    unsigned number = 0;
    at = std::from_chars(at, end, number).ptr;
    if (number == 25)
      cursor_hidden_ = !on;
    else if (std::find(known.begin(), known.end(), number) != known.end())
      on ? (void)on_.insert(number) : (void)on_.erase(number);
  }
}

void terminal_modes::feed(std::string_view printed) {
  for (const char ch : printed) {
    if (ch == '\x1b') {
      at_ = place::escape;
      continue;
    }
    switch (at_) {
    case place::text: break;
    case place::escape:
      at_ = ch == '[' ? place::bracket : place::text;
      if (ch == '=' || ch == '>')
        keypad_ = ch == '=';
      if (ch == 'c') // a whole reset
        *this = {};
      break;
    case place::bracket:
      parameters_.clear();
      if (ch == '?') {
        at_ = place::parameters;
      } else if (ch == 'm' || ch == ';' || (ch >= '0' && ch <= '9')) {
        coloured_ = true; // most likely; a reset too much harms nobody
        at_ = place::text;
      } else {
        at_ = place::text;
      }
      break;
    case place::parameters:
      if ((ch >= '0' && ch <= '9') || ch == ';') {
        if (parameters_.size() < longest)
          parameters_ += ch;
        break;
      }
      if (ch == 'h' || ch == 'l')
        set(ch == 'h');
      at_ = place::text;
      break;
    }
  }
}

std::string terminal_modes::undo() const {
  std::string out;
  for (const unsigned mode : on_)
    out += "\x1b[?" + std::to_string(mode) + "l";
  if (cursor_hidden_)
    out += "\x1b[?25h";
  if (keypad_)
    out += "\x1b>";
  if (coloured_)
    out += "\x1b[m";
  return out;
}

} // namespace holt::client

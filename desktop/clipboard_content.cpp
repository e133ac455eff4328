// SPDX-License-Identifier: Apache-2.0
#include "desktop/clipboard_content.hpp"

#include "messages/command.hpp"

#include <algorithm>
#include <array>

namespace holt::desktop {

namespace {

/// Names of a text, the best first: those that say UTF-8.
constexpr std::array<std::string_view, 7> text_targets{"UTF8_STRING",
                                                       "text/plain;charset=utf-8",
                                                       "text/plain;charset=UTF-8",
                                                       "text/plain",
                                                       "STRING",
                                                       "TEXT",
                                                       "COMPOUND_TEXT"};
constexpr std::array<std::string_view, 5> picture_types{"image/png", "image/jpeg", "image/webp",
                                                        "image/gif", "image/bmp"};

bool has(const std::vector<std::string>& all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

void append_utf8(std::string& out, char32_t c) {
  auto put = [&](char32_t bits) { out += static_cast<char>(bits); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | c >> 6);
    put(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    put(0xe0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3f));
    put(0x80 | (c & 0x3f));
  } else {
    put(0xf0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3f));
    put(0x80 | (c >> 6 & 0x3f));
    put(0x80 | (c & 0x3f));
  }
}

} // namespace

std::string media_type_of(std::string_view target) {
  if (std::find(text_targets.begin(), text_targets.end(), target) != text_targets.end())
    return std::string{plain_text};
  const auto end = target.find(';');
  const auto bare = target.substr(0, end);
  const auto slash = bare.find('/');
  if (bare.size() > 100 || slash == 0 || slash == std::string_view::npos
      || slash + 1 == bare.size())
    return {};
  std::string out;
  for (char c : bare) {
    if (c <= ' ' || c >= 0x7f)
      return {};
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

std::vector<std::string> media_types_of(const std::vector<std::string>& targets) {
  std::vector<std::string> out;
  for (const auto& one : targets)
    if (auto type = media_type_of(one); !type.empty() && !has(out, type))
      out.push_back(std::move(type));
  return out;
}

std::string target_for(std::string_view type, const std::vector<std::string>& offered,
                       std::size_t nth) {
  auto pick = [&](const auto& wanted) -> std::string {
    auto left = nth;
    for (auto one : wanted)
      if (has(offered, one) && left-- == 0)
        return std::string{one};
    return {};
  };
  if (type == plain_text)
    return pick(text_targets);
  if (type == "image") {
    if (auto known = pick(picture_types); !known.empty() || nth > 0)
      return known;
    for (const auto& one : offered)
      if (media_type_of(one).rfind("image/", 0) == 0)
        return one;
    return {};
  }
  for (const auto& one : offered)
    if (media_type_of(one) == type && nth-- == 0)
      return one;
  return {};
}

std::vector<clip_target> targets_of(const std::vector<clip_part>& parts) {
  std::vector<clip_target> out;
  for (const auto& part : parts) {
    if (part.type != plain_text) {
      out.push_back({part.type, part.type, part.bytes});
      if (part.type == uri_list) { // what file managers ask for
        auto files = "copy\n" + *part.bytes;
        std::erase(files, '\r');
        while (!files.empty() && files.back() == '\n')
          files.pop_back();
        out.push_back({"x-special/gnome-copied-files", "x-special/gnome-copied-files",
                       std::make_shared<const std::string>(std::move(files))});
      }
      continue;
    }
    for (auto name : {"UTF8_STRING", "text/plain;charset=utf-8", "text/plain"})
      out.push_back({name, name, part.bytes});
    out.push_back({"TEXT", "UTF8_STRING", part.bytes});
    const bool ascii = std::all_of(part.bytes->begin(), part.bytes->end(),
                                   [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    out.push_back(
      {"STRING", "STRING",
       ascii ? part.bytes : std::make_shared<const std::string>(to_latin1(*part.bytes))});
    out.push_back(
      {"COMPOUND_TEXT", "COMPOUND_TEXT",
       ascii ? part.bytes : std::make_shared<const std::string>(to_compound_text(*part.bytes))});
  }
  return out;
}

result<void> check_parts(const std::vector<clip_part>& parts) {
  std::size_t total = 0;
  for (const auto& part : parts) {
    total += part.bytes->size();
    if (total > max_offer_bytes)
      return error{errc::payload_too_large, "the clipboard takes at most 16 MiB"};
    if ((part.type == plain_text || part.type == html_text) && !is_utf8(*part.bytes))
      return error{errc::invalid_request,
                   part.type == plain_text ? "the text is not UTF-8" : "the html is not UTF-8"};
  }
  return {};
}

result<std::string> decode_target(std::string_view target, std::string_view type,
                                  std::string bytes) {
  const auto media = media_type_of(target);
  if (media == plain_text || media == html_text) {
    if (type == "STRING" || (target == "STRING" && type != "UTF8_STRING")) {
      bytes = from_latin1(bytes);
    } else if (type == "COMPOUND_TEXT") {
      // Only its plainest form: nobody who speaks nothing else is left.
      if (bytes.find('\x1b') != std::string::npos)
        return error{errc::conflict, "the text has a form that is not read here"};
      bytes = from_latin1(bytes);
    } else {
      bytes = from_utf16(bytes);
    }
    if (!bytes.empty() && bytes.back() == '\0') // some count the end of a C string
      bytes.pop_back();
    if (!is_utf8(bytes)) {
      if (target != "text/plain" && media == plain_text)
        return error{errc::conflict, "what was copied is not the UTF-8 that it says it is"};
      bytes = from_latin1(bytes); // it did not say
    }
  }
  return bytes;
}

std::string from_latin1(std::string_view text) {
  std::string out;
  for (char c : text)
    append_utf8(out, static_cast<unsigned char>(c));
  return out;
}

std::string to_latin1(std::string_view utf8) {
  std::string out;
  for (std::size_t i = 0; i < utf8.size();) {
    const auto lead = static_cast<unsigned char>(utf8[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (length == 1)
      out += utf8[i];
    else if (lead <= 0xc3 && i + 1 < utf8.size())
      out += static_cast<char>((lead & 3) << 6 | (static_cast<unsigned char>(utf8[i + 1]) & 0x3f));
    else
      out += '?';
    i += length;
  }
  return out;
}

std::string to_compound_text(std::string_view utf8) {
  const bool latin1 = std::all_of(utf8.begin(), utf8.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0xc3;
  });
  return latin1 ? to_latin1(utf8) : "\x1b%G" + std::string{utf8} + "\x1b%@";
}

std::string from_utf16(std::string_view bytes) {
  const bool little = bytes.substr(0, 2) == "\xff\xfe";
  if (!little && bytes.substr(0, 2) != "\xfe\xff")
    return std::string{bytes};
  auto unit = [&](std::size_t at) {
    const auto a = static_cast<unsigned char>(bytes[at]);
    const auto b = static_cast<unsigned char>(bytes[at + 1]);
    return static_cast<char32_t>(little ? b << 8 | a : a << 8 | b);
  };
  std::string out;
  for (std::size_t at = 2; at + 1 < bytes.size(); at += 2) {
    auto c = unit(at);
    if (c >= 0xd800 && c < 0xdc00 && at + 3 < bytes.size()) {
      const auto low = unit(at + 2);
      if (low >= 0xdc00 && low < 0xe000) {
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        at += 2;
      }
    }
    append_utf8(out, c >= 0xd800 && c < 0xe000 ? 0xfffd : c);
  }
  return out;
}

std::string picture_type(std::string_view bytes) {
  auto begins = [&](std::string_view how) { return bytes.substr(0, how.size()) == how; };
  if (begins("\x89PNG\r\n\x1a\n"))
    return "image/png";
  if (begins("\xff\xd8\xff"))
    return "image/jpeg";
  if (begins("GIF87a") || begins("GIF89a"))
    return "image/gif";
  if (begins("RIFF") && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP")
    return "image/webp";
  if (begins("BM") && bytes.size() >= 26)
    return "image/bmp";
  return {};
}

} // namespace holt::desktop

// SPDX-License-Identifier: Apache-2.0
#include "actors/clipboard_fields.hpp"

#include "actors/act_limits.hpp"
#include "messages/command.hpp"

#include <algorithm>

namespace holt {

namespace {

using desktop::clip_part;
using nlohmann::json;

namespace limit = act_limits;

constexpr std::size_t max_told_types = 32; ///< in the feed

clip_part part_of(std::string_view type, std::string bytes) {
  return {std::string{type}, std::make_shared<const std::string>(std::move(bytes))};
}

const json* given(const json& body, const char* name) {
  auto at = body.find(name);
  return at == body.end() || at->is_null() ? nullptr : &*at;
}

/// Base64, also in lines and as a data URL; the type is what the bytes say.
result<clip_part> read_image(const json& field) {
  if (!field.is_string())
    return error{errc::unprocessable, "image must be a string of base64"};
  auto text = field.get<std::string>();
  if (text.rfind("data:", 0) == 0) {
    const auto comma = text.find(',');
    if (comma == std::string::npos || text.substr(0, comma).find(";base64") == std::string::npos)
      return error{errc::invalid_request, "image: a data URL must be of base64"};
    text.erase(0, comma + 1);
  }
  std::erase_if(text, [](char c) { return c == '\n' || c == '\r' || c == ' ' || c == '\t'; });
  if (text.size() / 4 * 3 > desktop::max_offer_bytes + 2)
    return error{errc::payload_too_large, "image: the clipboard takes at most 16 MiB"};
  auto bytes = from_base64(text);
  if (!bytes)
    return error{errc::invalid_request, "image is no base64"};
  auto type = desktop::picture_type(*bytes);
  if (type.empty())
    return error{errc::invalid_request, "image is no PNG, JPEG, WebP, GIF or BMP"};
  return part_of(type, std::move(*bytes));
}

result<clip_part> read_uris(const json& field) {
  if (!field.is_array())
    return error{errc::unprocessable, "uris must be a list of strings"};
  if (field.empty() || field.size() > limit::clipboard_uris)
    return error{errc::invalid_request, "uris must hold 1 to 1000 addresses"};
  std::string out;
  for (std::size_t i = 0; i < field.size(); ++i) {
    const auto name = "uris[" + std::to_string(i) + "]";
    if (!field[i].is_string())
      return error{errc::unprocessable, name + " must be a string"};
    const auto& uri = field[i].get_ref<const std::string&>();
    const bool clean
      = !uri.empty() && uri.size() <= limit::clipboard_uri && uri[0] != '#'
        && std::all_of(uri.begin(), uri.end(), [](char c) { return c > ' ' && c < 0x7f; })
        && uri.find(':') != std::string::npos;
    if (!clean)
      return error{errc::invalid_request,
                   name + " is no address like file:///path (percent-encoded)"};
    out += uri + "\r\n";
  }
  return part_of(desktop::uri_list, std::move(out));
}

result<std::string> read_string(const json& field, const char* name) {
  if (!field.is_string())
    return error{errc::unprocessable, std::string{name} + " must be a string"};
  return field.get<std::string>();
}

} // namespace

result<clipboard_boards> read_selection(std::string_view word, bool both_too) {
  if (word.empty() || word == "clipboard")
    return clipboard_boards{true, false};
  if (word == "primary")
    return clipboard_boards{false, true};
  if (both_too && word == "both")
    return clipboard_boards{true, true};
  return error{errc::invalid_request, both_too ? "selection must be clipboard, primary or both"
                                               : "selection must be clipboard or primary"};
}

result<clipboard_writing> read_clipboard(const json& body) {
  clipboard_writing out;
  std::optional<std::string> text;
  std::optional<std::string> html;
  if (const auto* field = given(body, "text")) {
    auto got = read_string(*field, "text");
    if (!got)
      return got.error();
    text = std::move(*got);
  }
  if (const auto* field = given(body, "html")) {
    auto got = read_string(*field, "html");
    if (!got)
      return got.error();
    html = std::move(*got);
  }
  if (html && !text)
    text = desktop::text_of_html(*html);
  if (text)
    out.parts.push_back(part_of(desktop::plain_text, std::move(*text)));
  if (html)
    out.parts.push_back(part_of(desktop::html_text, std::move(*html)));
  if (const auto* field = given(body, "image")) {
    auto image = read_image(*field);
    if (!image)
      return image.error();
    out.parts.push_back(std::move(*image));
  }
  if (const auto* field = given(body, "uris")) {
    auto uris = read_uris(*field);
    if (!uris)
      return uris.error();
    out.parts.push_back(std::move(*uris));
  }
  if (out.parts.empty())
    return error{errc::unprocessable, "text is missing, and so are html, image and uris"};
  std::string word;
  if (const auto* field = given(body, "selection")) {
    auto got = read_string(*field, "selection");
    if (!got)
      return got.error();
    word = std::move(*got);
  }
  auto which = read_selection(word, true);
  if (!which)
    return which.error();
  out.which = *which;
  for (const auto& part : out.parts)
    out.bytes += part.bytes->size();
  if (auto good = desktop::check_parts(out.parts); !good)
    return good.error();
  return out;
}

result<std::string> read_clipboard_format(const http::request& request) {
  const auto asked = request.query_value("format");
  if (!asked)
    return std::string{};
  if (*asked == "text")
    return std::string{desktop::plain_text};
  if (*asked == "html")
    return std::string{desktop::html_text};
  if (*asked == "uris")
    return std::string{desktop::uri_list};
  if (*asked == "image")
    return std::string{*asked};
  auto type = desktop::media_type_of(*asked);
  if (type.empty() || asked->find('/') == std::string_view::npos)
    return error{errc::invalid_request,
                 "format must be text, html, image, uris or a media type like image/png"};
  return type;
}

http::response clipboard_part_response(const desktop::clip_part& part) {
  http::response out;
  const bool text = part.type == desktop::plain_text || part.type == desktop::html_text
                    || part.type == desktop::uri_list;
  const bool picture = !desktop::picture_type(*part.bytes).empty()
                       && desktop::picture_type(*part.bytes) == part.type;
  // Whatever else a program calls it: a browser is not to make anything of it.
  out.headers.push_back({"Content-Type", text      ? part.type + "; charset=utf-8"
                                         : picture ? part.type
                                                   : std::string{"application/octet-stream"}});
  out.headers.push_back({"Content-Security-Policy", "sandbox; default-src 'none'"});
  out.headers.push_back({"Content-Disposition", "attachment"});
  out.headers.push_back({"Holt-Type", part.type});
  out.body = part.bytes;
  return out;
}

json clipboard_event(bool primary, const desktop::clipboard_change& what) {
  auto types = what.types;
  if (types.size() > max_told_types)
    types.resize(max_told_types);
  // Of API callers: what they are, a blank, their name. Nothing: a program's, taken over from it.
  const auto blank = what.by.find(' ');
  const auto kind = what.empty                   ? std::string{"nobody"}
                    : blank == std::string::npos ? std::string{"program"}
                                                 : what.by.substr(0, blank);
  json out{{"selection", primary ? "primary" : "clipboard"}, {"types", types}, {"by", kind}};
  if (what.owned)
    out["bytes"] = what.bytes;
  if (blank != std::string::npos && blank + 1 < what.by.size())
    out["name"] = what.by.substr(blank + 1);
  if (!what.app.empty())
    out["app"] = what.app;
  return out;
}

} // namespace holt

// SPDX-License-Identifier: Apache-2.0
#include "accessibility/words.hpp"

#include <algorithm>

namespace holt::accessibility {

namespace {

// AtspiRole of at-spi2-core 2.46, in its order.
constexpr std::array<const char*, 130> roles{
  "invalid",
  "accelerator label",
  "alert",
  "animation",
  "arrow",
  "calendar",
  "canvas",
  "check box",
  "check menu item",
  "color chooser",
  "column header",
  "combo box",
  "date editor",
  "desktop icon",
  "desktop frame",
  "dial",
  "dialog",
  "directory pane",
  "drawing area",
  "file chooser",
  "filler",
  "focus traversable",
  "font chooser",
  "frame",
  "glass pane",
  "html container",
  "icon",
  "image",
  "internal frame",
  "label",
  "layered pane",
  "list",
  "list item",
  "menu",
  "menu bar",
  "menu item",
  "option pane",
  "page tab",
  "page tab list",
  "panel",
  "password text",
  "popup menu",
  "progress bar",
  "push button",
  "radio button",
  "radio menu item",
  "root pane",
  "row header",
  "scroll bar",
  "scroll pane",
  "separator",
  "slider",
  "spin button",
  "split pane",
  "status bar",
  "table",
  "table cell",
  "table column header",
  "table row header",
  "tearoff menu item",
  "terminal",
  "text",
  "toggle button",
  "tool bar",
  "tool tip",
  "tree",
  "tree table",
  "unknown",
  "viewport",
  "window",
  "extended",
  "header",
  "footer",
  "paragraph",
  "ruler",
  "application",
  "autocomplete",
  "editbar",
  "embedded",
  "entry",
  "chart",
  "caption",
  "document frame",
  "heading",
  "page",
  "section",
  "redundant object",
  "form",
  "link",
  "input method window",
  "table row",
  "tree item",
  "document spreadsheet",
  "document presentation",
  "document text",
  "document web",
  "document email",
  "comment",
  "list box",
  "grouping",
  "image map",
  "notification",
  "info bar",
  "level bar",
  "title bar",
  "block quote",
  "audio",
  "video",
  "definition",
  "article",
  "landmark",
  "log",
  "marquee",
  "math",
  "rating",
  "timer",
  "static",
  "math fraction",
  "math root",
  "subscript",
  "superscript",
  "description list",
  "description term",
  "description value",
  "footnote",
  "content deletion",
  "content insertion",
  "mark",
  "suggestion",
  "push button menu",
};

// AtspiStateType, in its order; those without a name are not told.
constexpr std::array<const char*, 44> states{
  nullptr,           "active",
  "armed",           "busy",
  "checked",         "collapsed",
  "defunct",         "editable",
  "enabled",         "expandable",
  "expanded",        "focusable",
  "focused",
  nullptr, // has tooltip
  "horizontal",      "iconified",
  "modal",           "multi_line",
  "multiselectable",
  nullptr, // opaque
  "pressed",         "resizable",
  "selectable",      "selected",
  nullptr, // sensitive: as enabled
  "showing",         "single_line",
  nullptr, // stale
  nullptr, // transient
  "vertical",
  nullptr, // visible: showing says more
  nullptr, // manages descendants
  "indeterminate",   "required",
  "truncated",       "animated",
  "invalid_entry",   "supports_autocompletion",
  "selectable_text", "is_default",
  "visited",         "checkable",
  "has_popup",       "read_only",
};

constexpr std::string_view usual_path = "/org/a11y/atspi/accessible/";
constexpr std::string_view digits = "0123456789abcdef";

std::string plain(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c + 32);
    else if (c == '-' || c == '_')
      c = ' ';
  return out;
}

bool is_plain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Everything but letters and digits as ~XX.
std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text)
    if (is_plain(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '~';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  return out;
}

std::optional<std::string> unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_plain(text[i])) {
      out += text[i];
      continue;
    }
    if (text[i] != '~' || i + 2 >= text.size())
      return {};
    const auto high = digits.find(text[i + 1]);
    const auto low = digits.find(text[i + 2]);
    if (high == digits.npos || low == digits.npos)
      return {};
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

error unknown(std::string_view id) {
  return {errc::not_found, "there is no node '" + std::string{id.substr(0, 100)} + "' (any more)"};
}

} // namespace

std::string role_name(std::uint32_t role) {
  return role < roles.size() ? roles[role] : "role " + std::to_string(role);
}

bool names_role(std::string_view wanted, std::string_view role) {
  const auto name = plain(wanted);
  return name == role || (name == "button" && role == "push button");
}

bool has_state(const std::vector<std::uint32_t>& bits, state which) {
  const auto n = static_cast<unsigned>(which);
  return n / 32 < bits.size() && (bits[n / 32] >> (n % 32) & 1) != 0;
}

std::vector<std::string> state_names(const std::vector<std::uint32_t>& bits) {
  std::vector<std::string> out;
  for (unsigned n = 0; n < states.size(); ++n)
    if (states[n] != nullptr && has_state(bits, static_cast<state>(n)))
      out.emplace_back(states[n]);
  return out;
}

std::string shortened(std::string text, std::size_t bytes) {
  if (text.size() <= bytes)
    return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80)
    --bytes;
  return text.substr(0, bytes);
}

std::string make_node_id(const std::string& mark, const node_address& where) {
  std::string_view name = where.bus;
  if (name.starts_with(':'))
    name.remove_prefix(1);
  std::string_view path = where.path;
  // `-` before what is left of a usual path, `_` before a whole one.
  const bool usual = path.size() > usual_path.size() && path.starts_with(usual_path);
  if (usual)
    path.remove_prefix(usual_path.size());
  std::string out = mark + ".";
  for (char c : name)
    out += c == '.' ? std::string{"."} : escaped({&c, 1});
  return out + (usual ? "-" : "_") + escaped(path);
}

result<node_address> parse_node_id(std::string_view id, std::string_view mark) {
  const auto whole = id;
  if (!id.starts_with(mark) || id.size() <= mark.size() || id[mark.size()] != '.')
    return unknown(whole);
  id.remove_prefix(mark.size() + 1);
  const auto cut = id.find_first_of("-_");
  if (cut == id.npos || cut == 0)
    return unknown(whole);
  node_address out{":", ""};
  for (auto name = id.substr(0, cut);;) {
    const auto dot = name.find('.');
    auto part = unescaped(name.substr(0, dot));
    if (!part || part->empty() || part->find('.') != part->npos)
      return unknown(whole);
    out.bus += *part;
    if (dot == name.npos)
      break;
    out.bus += '.';
    name.remove_prefix(dot + 1);
  }
  auto path = unescaped(id.substr(cut + 1));
  if (!path || path->empty() || path->find('\0') != path->npos
      || out.bus.find('\0') != out.bus.npos)
    return unknown(whole);
  out.path = (id[cut] == '-' ? std::string{usual_path} : std::string{}) + *path;
  return out;
}

} // namespace holt::accessibility

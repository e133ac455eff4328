// SPDX-License-Identifier: Apache-2.0
#include "desktop/windows.hpp"

#include "desktop/manager_message.hpp"

#include <algorithm>
#include <cstring>

namespace holt::desktop {

namespace {

constexpr std::uint32_t from_pager = 2; ///< EWMH: who asks is a tool of the user
constexpr std::uint32_t most_windows = 4096;
constexpr std::uint32_t title_words = 1024;
constexpr int deepest = 8; ///< windows inside windows, below the pointer

using property_ptr = xcb_ptr<xcb_get_property_reply_t>;

property_ptr reply_of(xcb_connection_t* c, xcb_get_property_cookie_t cookie) {
  return property_ptr{xcb_get_property_reply(c, cookie, nullptr)};
}

std::vector<std::uint32_t> words_of(const property_ptr& reply) {
  if (!reply || reply->format != 32)
    return {};
  const auto* values = static_cast<const std::uint32_t*>(xcb_get_property_value(reply.get()));
  return {values, values + reply->value_len};
}

std::string text_of(const property_ptr& reply) {
  if (!reply || reply->format != 8)
    return {};
  const auto* bytes = static_cast<const char*>(xcb_get_property_value(reply.get()));
  return {bytes, static_cast<std::size_t>(xcb_get_property_value_length(reply.get()))};
}

bool contains(const std::vector<std::uint32_t>& all, std::uint32_t one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

} // namespace

/// Questions about one window that are under way.
struct windows::pending {
  xcb_window_t id = 0;
  xcb_get_geometry_cookie_t geometry;
  xcb_translate_coordinates_cookie_t corner;
  xcb_get_property_cookie_t name, old_name, extents, type, pid, state, app;
  xcb_get_property_cookie_t managed;
};

result<std::unique_ptr<windows>> windows::create(connection& x) {
  std::unique_ptr<windows> self{new windows(x)};
  auto& a = self->atoms_;
  const std::pair<const char*, xcb_atom_t*> wanted[] = {
    {"_NET_CLIENT_LIST", &a.client_list},
    {"_NET_ACTIVE_WINDOW", &a.active},
    {"_NET_WM_NAME", &a.name},
    {"UTF8_STRING", &a.utf8},
    {"_NET_FRAME_EXTENTS", &a.extents},
    {"_NET_WM_WINDOW_TYPE", &a.type},
    {"_NET_WM_WINDOW_TYPE_DOCK", &a.dock},
    {"_NET_WM_WINDOW_TYPE_DESKTOP", &a.desktop},
    {"_NET_WM_PID", &a.pid},
    {"_NET_WM_STATE", &a.state},
    {"_NET_WM_STATE_HIDDEN", &a.hidden},
    {"_NET_WM_STATE_MAXIMIZED_VERT", &a.vertical},
    {"_NET_WM_STATE_MAXIMIZED_HORZ", &a.horizontal},
    {"_NET_CLOSE_WINDOW", &a.close},
    {"_NET_MOVERESIZE_WINDOW", &a.move_resize},
    {"WM_CHANGE_STATE", &a.change_state},
    {"WM_STATE", &a.managed},
  };
  for (const auto& [name, atom] : wanted) {
    auto got = x.atom(name);
    if (!got)
      return got.error();
    *atom = *got;
  }
  return self;
}

windows::pending windows::ask_about(xcb_window_t id) const {
  auto* c = x_.raw();
  auto property = [&](xcb_atom_t name, std::uint32_t words) {
    return xcb_get_property(c, 0, id, name, XCB_GET_PROPERTY_TYPE_ANY, 0, words);
  };
  return {id,
          xcb_get_geometry(c, id),
          xcb_translate_coordinates(c, id, x_.root(), 0, 0),
          property(atoms_.name, title_words),
          property(XCB_ATOM_WM_NAME, title_words),
          property(atoms_.extents, 4),
          property(atoms_.type, 16),
          property(atoms_.pid, 1),
          property(atoms_.state, 32),
          property(XCB_ATOM_WM_CLASS, 64),
          property(atoms_.managed, 2)};
}

/// Every reply is fetched, whatever the others say. Nothing for what is gone or no window of a
/// program; nor for what the window manager does not know yet: a number may be used again while its
/// list still has the window that had it before.
std::optional<window_info> windows::gather(const pending& asked, xcb_window_t active) const {
  auto* c = x_.raw();
  xcb_ptr<xcb_get_geometry_reply_t> geometry{xcb_get_geometry_reply(c, asked.geometry, nullptr)};
  xcb_ptr<xcb_translate_coordinates_reply_t> corner{
    xcb_translate_coordinates_reply(c, asked.corner, nullptr)};
  auto name = text_of(reply_of(c, asked.name));
  auto old_name = text_of(reply_of(c, asked.old_name));
  auto extents = words_of(reply_of(c, asked.extents));
  auto type = words_of(reply_of(c, asked.type));
  auto pid = words_of(reply_of(c, asked.pid));
  auto state = words_of(reply_of(c, asked.state));
  auto app = text_of(reply_of(c, asked.app));
  bool managed = !words_of(reply_of(c, asked.managed)).empty();
  if (!managed || !geometry || !corner || contains(type, atoms_.dock)
      || contains(type, atoms_.desktop))
    return {};
  window_info out;
  out.id = asked.id;
  out.title = !name.empty() ? std::move(name) : std::move(old_name);
  if (auto end = app.find('\0'); end != std::string::npos) {
    app.erase(0, end + 1); // the instance
    out.app = app.substr(0, app.find('\0'));
  }
  out.inner = {corner->dst_x, corner->dst_y, geometry->width, geometry->height};
  out.outer = out.inner;
  if (extents.size() == 4) { // left, right, top, bottom
    out.outer.x -= static_cast<int>(extents[0]);
    out.outer.y -= static_cast<int>(extents[2]);
    out.outer.width += extents[0] + extents[1];
    out.outer.height += extents[2] + extents[3];
  }
  out.pid = pid.empty() ? 0 : pid.front();
  out.active = asked.id == active;
  out.minimised = contains(state, atoms_.hidden);
  out.maximised = contains(state, atoms_.vertical) && contains(state, atoms_.horizontal);
  return out;
}

result<std::vector<window_info>> windows::list() {
  auto* c = x_.raw();
  auto all
    = xcb_get_property(c, 0, x_.root(), atoms_.client_list, XCB_ATOM_WINDOW, 0, most_windows);
  auto top = xcb_get_property(c, 0, x_.root(), atoms_.active, XCB_ATOM_WINDOW, 0, 1);
  auto ids = words_of(reply_of(c, all));
  auto active = words_of(reply_of(c, top));
  if (x_.lost())
    return x_.failure("GetProperty");
  std::vector<pending> asked;
  asked.reserve(ids.size());
  for (auto id : ids)
    asked.push_back(ask_about(id));
  std::vector<window_info> out;
  for (const auto& one : asked)
    if (auto found = gather(one, active.empty() ? 0 : active.front()))
      out.push_back(std::move(*found));
  if (x_.lost())
    return x_.failure("GetGeometry");
  return out;
}

result<std::optional<window_info>> windows::find(xcb_window_t id) {
  auto all = list();
  if (!all)
    return all.error();
  for (auto& one : *all)
    if (one.id == id)
      return std::optional{std::move(one)};
  return std::optional<window_info>{};
}

result<std::optional<window_info>> windows::focused() {
  auto all = list();
  if (!all)
    return all.error();
  for (auto& one : *all)
    if (one.active)
      return std::optional{std::move(one)};
  return std::optional<window_info>{};
}

result<void> windows::sent(const char* what) {
  x_.flush();
  if (x_.lost())
    return x_.failure(what);
  return {};
}

result<void> windows::ask(xcb_window_t id, window_request what) {
  constexpr std::uint32_t remove = 0, add = 1, iconic = 3;
  switch (what) {
  case window_request::focus:
    tell_manager(x_, id, atoms_.active, {from_pager, XCB_CURRENT_TIME, 0, 0, 0});
    break;
  case window_request::close:
    tell_manager(x_, id, atoms_.close, {XCB_CURRENT_TIME, from_pager, 0, 0, 0});
    break;
  case window_request::minimise:
    tell_manager(x_, id, atoms_.change_state, {iconic, 0, 0, 0, 0});
    break;
  case window_request::maximise:
    tell_manager(x_, id, atoms_.state, {add, atoms_.vertical, atoms_.horizontal, from_pager, 0});
    break;
  case window_request::restore:
    tell_manager(x_, id, atoms_.state, {remove, atoms_.vertical, atoms_.horizontal, from_pager, 0});
    tell_manager(x_, id, atoms_.active,
                 {from_pager, XCB_CURRENT_TIME, 0, 0, 0}); // also out of the icons
    break;
  }
  return sent("SendEvent");
}

result<void> windows::move(xcb_window_t id, point outer_corner) {
  // North-west gravity: the place is that of the frame's corner. Bits 8 and 9: x and y are there.
  constexpr std::uint32_t flags = XCB_GRAVITY_NORTH_WEST | 1u << 8 | 1u << 9 | from_pager << 12;
  tell_manager(x_, id, atoms_.move_resize,
               {flags, static_cast<std::uint32_t>(outer_corner.x),
                static_cast<std::uint32_t>(outer_corner.y), 0, 0});
  return sent("SendEvent");
}

result<void> windows::resize(xcb_window_t id, unsigned inner_width, unsigned inner_height) {
  constexpr std::uint32_t flags = XCB_GRAVITY_NORTH_WEST | 1u << 10 | 1u << 11 | from_pager << 12;
  tell_manager(x_, id, atoms_.move_resize, {flags, 0, 0, inner_width, inner_height});
  return sent("SendEvent");
}

result<pointer_place> windows::pointer() {
  auto* c = x_.raw();
  auto at = xcb_query_pointer(c, x_.root());
  auto all
    = xcb_get_property(c, 0, x_.root(), atoms_.client_list, XCB_ATOM_WINDOW, 0, most_windows);
  xcb_ptr<xcb_query_pointer_reply_t> here{xcb_query_pointer_reply(c, at, nullptr)};
  auto ids = words_of(reply_of(c, all));
  if (!here)
    return x_.failure("QueryPointer");
  pointer_place out{here->root_x, here->root_y, x_.root()};
  // The child of the root is the frame; the program's window is somewhere in it.
  auto below = here->child;
  for (int depth = 0; below != XCB_NONE && depth < deepest; ++depth) {
    if (contains(ids, below)) {
      out.window = below;
      break;
    }
    xcb_ptr<xcb_query_pointer_reply_t> deeper{
      xcb_query_pointer_reply(c, xcb_query_pointer(c, below), nullptr)};
    below = deeper ? deeper->child : xcb_window_t{XCB_NONE};
  }
  return out;
}

} // namespace holt::desktop

// SPDX-License-Identifier: Apache-2.0
#include "desktop/connection.hpp"

#include <xcb/damage.h>
#include <xcb/randr.h>
#include <xcb/shm.h>
#include <xcb/xfixes.h>
#include <xcb/xtest.h>
#include <xkbcommon/xkbcommon-x11.h>

#include <cstring>
#include <fstream>
#include <optional>
#include <string_view>

#include <sys/socket.h>

namespace holt::desktop {

namespace {

constexpr std::string_view cookie_name = "MIT-MAGIC-COOKIE-1";
constexpr std::size_t max_authority_bytes = 64 * 1024;

/// One counted string of an Xauthority file: u16 length, big-endian, then the bytes.
std::optional<std::string_view> counted(std::string_view& rest) {
  if (rest.size() < 2)
    return {};
  auto size = static_cast<std::size_t>(static_cast<unsigned char>(rest[0]) << 8
                                       | static_cast<unsigned char>(rest[1]));
  if (rest.size() < 2 + size)
    return {};
  auto text = rest.substr(2, size);
  rest.remove_prefix(2 + size);
  return text;
}

/// The cookie for local display `number`: a file we were pointed to holds few entries, so the
/// host name is not compared.
std::optional<std::string> find_cookie(const std::string& path, std::string_view number) {
  std::ifstream in{path, std::ios::binary};
  if (!in)
    return {};
  std::string bytes(max_authority_bytes, '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(in.gcount()));
  std::string_view rest{bytes};
  while (rest.size() > 2) {
    rest.remove_prefix(2); // address family
    auto address = counted(rest);
    auto display = counted(rest);
    auto name = counted(rest);
    auto data = counted(rest);
    if (!address || !display || !name || !data)
      return {};
    if (*name == cookie_name && (display->empty() || *display == number))
      return std::string{*data};
  }
  return {};
}

xcb_connection_t* dial(const display_address& where) {
  const char* display = where.display.empty() ? nullptr : where.display.c_str();
  if (where.xauthority.empty())
    return xcb_connect(display, nullptr);
  char* host = nullptr;
  int number = 0;
  int screen = 0;
  if (xcb_parse_display(display, &host, &number, &screen) == 0)
    return xcb_connect(display, nullptr); // reports the parse error
  std::free(host);
  auto cookie = find_cookie(where.xauthority, std::to_string(number));
  if (!cookie)
    return xcb_connect_to_display_with_auth_info(display, nullptr, nullptr);
  std::string name{cookie_name};
  xcb_auth_info_t auth{static_cast<int>(name.size()), name.data(), static_cast<int>(cookie->size()),
                       cookie->data()};
  return xcb_connect_to_display_with_auth_info(display, &auth, nullptr);
}

std::uint8_t first_event(xcb_connection_t* c, xcb_extension_t* extension, bool& present) {
  const auto* data = xcb_get_extension_data(c, extension);
  present = data != nullptr && data->present != 0;
  return present ? data->first_event : std::uint8_t{0};
}

} // namespace

result<std::unique_ptr<connection>> connection::open(const display_address& where) {
  std::unique_ptr<connection> self{new connection};
  self->raw_ = dial(where);
  if (auto code = xcb_connection_has_error(self->raw_); code != 0)
    return error{errc::io, "no connection to X server " + where.display + " (xcb error "
                             + std::to_string(code) + ")"};
  if (auto done = self->set_up(); !done)
    return done.error();
  return self;
}

connection::~connection() {
  if (raw_ != nullptr)
    xcb_disconnect(raw_);
}

result<void> connection::set_up() {
  auto screens = xcb_setup_roots_iterator(xcb_get_setup(raw_));
  if (screens.rem == 0)
    return error{errc::unsupported, "the X server has no screen"};
  root_ = screens.data->root;
  root_depth_ = screens.data->root_depth;
  root_visual_ = screens.data->root_visual;

  bool damage = false, randr = false, xfixes = false, xtest = false;
  events_.damage = first_event(raw_, &xcb_damage_id, damage);
  events_.randr = first_event(raw_, &xcb_randr_id, randr);
  events_.xfixes = first_event(raw_, &xcb_xfixes_id, xfixes);
  first_event(raw_, &xcb_test_id, xtest);
  first_event(raw_, &xcb_shm_id, has_shm_);
  for (auto [present, name] : {std::pair{damage, "DAMAGE"}, std::pair{randr, "RANDR"},
                               std::pair{xfixes, "XFIXES"}, std::pair{xtest, "XTEST"}})
    if (!present)
      return error{errc::unsupported, std::string{"the X server lacks the extension "} + name};

  // The server refuses requests of these extensions before the version was asked for.
  auto damage_cookie = xcb_damage_query_version(raw_, 1, 1);
  auto xfixes_cookie = xcb_xfixes_query_version(raw_, 5, 0);
  auto randr_cookie = xcb_randr_query_version(raw_, 1, 4);
  xcb_ptr<void> a{xcb_damage_query_version_reply(raw_, damage_cookie, nullptr)};
  xcb_ptr<void> b{xcb_xfixes_query_version_reply(raw_, xfixes_cookie, nullptr)};
  xcb_ptr<void> c{xcb_randr_query_version_reply(raw_, randr_cookie, nullptr)};
  if (!a || !b || !c)
    return failure("negotiation of extensions");
  if (xkb_x11_setup_xkb_extension(
        raw_, XKB_X11_MIN_MAJOR_XKB_VERSION, XKB_X11_MIN_MINOR_XKB_VERSION,
        XKB_X11_SETUP_XKB_EXTENSION_NO_FLAGS, nullptr, nullptr, &events_.xkb, nullptr)
      == 0)
    return error{errc::unsupported, "the X server lacks the extension XKEYBOARD"};
  return {};
}

int connection::fd() const noexcept {
  return xcb_get_file_descriptor(raw_);
}

event_ptr connection::next_event() {
  return event_ptr{xcb_poll_for_event(raw_)};
}

void connection::flush() {
  xcb_flush(raw_);
}

bool connection::lost() const noexcept {
  return xcb_connection_has_error(raw_) != 0;
}

result<screen_size> connection::root_size() {
  xcb_ptr<xcb_get_geometry_reply_t> reply{
    xcb_get_geometry_reply(raw_, xcb_get_geometry(raw_, root_), nullptr)};
  if (!reply)
    return failure("GetGeometry");
  return screen_size{reply->width, reply->height, 0};
}

result<void> connection::ping() {
  xcb_ptr<void> reply{xcb_get_input_focus_reply(raw_, xcb_get_input_focus(raw_), nullptr)};
  if (!reply)
    return failure("GetInputFocus");
  return {};
}

result<xcb_atom_t> connection::atom(const char* name) {
  auto cookie = xcb_intern_atom(raw_, 0, static_cast<std::uint16_t>(std::strlen(name)), name);
  xcb_ptr<xcb_intern_atom_reply_t> reply{xcb_intern_atom_reply(raw_, cookie, nullptr)};
  if (!reply)
    return failure("InternAtom");
  return reply->atom;
}

void connection::abort() noexcept {
  ::shutdown(fd(), SHUT_RDWR);
}

error connection::failure(const char* what) const {
  return {errc::io,
          std::string{"X11: "} + what + (lost() ? ": the X server is gone" : " was refused")};
}

} // namespace holt::desktop

// SPDX-License-Identifier: Apache-2.0
#include "desktop/modes.hpp"

#include <xcb/randr.h>

#include <cmath>
#include <span>
#include <string>
#include <string_view>

namespace holt::desktop {

namespace {

constexpr std::string_view mode_prefix = "holt-"; ///< modes of ours, removed when unused
constexpr unsigned max_rate = 240;

using resources_ptr = xcb_ptr<xcb_randr_get_screen_resources_current_reply_t>;

resources_ptr read_resources(connection& x) {
  return resources_ptr{xcb_randr_get_screen_resources_current_reply(
    x.raw(), xcb_randr_get_screen_resources_current(x.raw(), x.root()), nullptr)};
}

std::span<const xcb_randr_mode_info_t> modes_of(const resources_ptr& r) {
  return {xcb_randr_get_screen_resources_current_modes(r.get()),
          static_cast<std::size_t>(xcb_randr_get_screen_resources_current_modes_length(r.get()))};
}

unsigned rate_of(const xcb_randr_mode_info_t& mode) {
  auto pixels = double{1.0} * mode.htotal * mode.vtotal;
  return pixels > 0 ? static_cast<unsigned>(std::lround(mode.dot_clock / pixels)) : 0;
}

std::string name_of(screen_size s) {
  return std::string{mode_prefix} + std::to_string(s.width) + "x" + std::to_string(s.height) + "-"
         + std::to_string(s.rate);
}

/// Removes modes that an earlier set_mode made and nobody uses now.
void sweep(connection& x, xcb_randr_output_t output, xcb_randr_mode_t keep) {
  auto r = read_resources(x);
  if (!r)
    return;
  const auto* names
    = reinterpret_cast<const char*>(xcb_randr_get_screen_resources_current_names(r.get()));
  for (const auto& mode : modes_of(r)) {
    std::string_view name{names, mode.name_len};
    names += mode.name_len;
    if (mode.id == keep || !name.starts_with(mode_prefix))
      continue;
    xcb_discard_reply(x.raw(), xcb_randr_delete_output_mode(x.raw(), output, mode.id).sequence);
    xcb_discard_reply(x.raw(), xcb_randr_destroy_mode(x.raw(), mode.id).sequence);
  }
}

bool configure(connection& x, const resources_ptr& r, xcb_randr_crtc_t crtc,
               xcb_randr_output_t output, xcb_randr_mode_t mode) {
  auto cookie = xcb_randr_set_crtc_config(
    x.raw(), crtc, XCB_CURRENT_TIME, r->config_timestamp, 0, 0, mode, XCB_RANDR_ROTATION_ROTATE_0,
    mode == XCB_NONE ? 0u : 1u, mode == XCB_NONE ? nullptr : &output);
  xcb_ptr<xcb_randr_set_crtc_config_reply_t> reply{
    xcb_randr_set_crtc_config_reply(x.raw(), cookie, nullptr)};
  return reply && reply->status == XCB_RANDR_SET_CONFIG_SUCCESS;
}

bool set_screen(connection& x, unsigned width, unsigned height) {
  // Millimetres for 96 dots an inch.
  auto mm = [](unsigned pixels) { return static_cast<std::uint32_t>(pixels * 254 / 960); };
  auto cookie
    = xcb_randr_set_screen_size_checked(x.raw(), x.root(), static_cast<std::uint16_t>(width),
                                        static_cast<std::uint16_t>(height), mm(width), mm(height));
  xcb_ptr<xcb_generic_error_t> refused{xcb_request_check(x.raw(), cookie)};
  return !refused && !x.lost();
}

/// Makes the mode and gives it to the output; 0 on refusal.
xcb_randr_mode_t make_mode(connection& x, xcb_randr_output_t output, screen_size size) {
  auto t = reduced_timing(size);
  auto name = name_of(size);
  xcb_randr_mode_info_t m{};
  m.width = t.width;
  m.height = t.height;
  m.dot_clock = t.clock;
  m.hsync_start = t.hsync_start;
  m.hsync_end = t.hsync_end;
  m.htotal = t.htotal;
  m.vsync_start = t.vsync_start;
  m.vsync_end = t.vsync_end;
  m.vtotal = t.vtotal;
  m.name_len = static_cast<std::uint16_t>(name.size());
  m.mode_flags = XCB_RANDR_MODE_FLAG_HSYNC_POSITIVE | XCB_RANDR_MODE_FLAG_VSYNC_NEGATIVE;
  auto cookie = xcb_randr_create_mode(x.raw(), x.root(), m, static_cast<std::uint32_t>(name.size()),
                                      name.data());
  xcb_ptr<xcb_randr_create_mode_reply_t> reply{
    xcb_randr_create_mode_reply(x.raw(), cookie, nullptr)};
  if (!reply)
    return 0;
  xcb_ptr<xcb_generic_error_t> refused{
    xcb_request_check(x.raw(), xcb_randr_add_output_mode_checked(x.raw(), output, reply->mode))};
  return refused ? 0 : reply->mode;
}

} // namespace

mode_timing reduced_timing(screen_size size) noexcept {
  auto rate = std::clamp(size.rate == 0 ? 60u : size.rate, 1u, max_rate);
  auto w = size.width;
  auto h = size.height;
  // CVT 1.2, section 3.4: the width of the vertical sync pulse names the aspect ratio.
  unsigned vsync = 10;
  if (w * 3 == h * 4)
    vsync = 4;
  else if (w * 9 == h * 16)
    vsync = 5;
  else if (w * 10 == h * 16)
    vsync = 6;
  else if (w * 4 == h * 5 || w * 9 == h * 15)
    vsync = 7;
  constexpr double min_blank_us = 460;
  auto line_us = (1e6 / rate - min_blank_us) / h;
  auto blank
    = std::max(static_cast<unsigned>(min_blank_us / std::max(line_us, 0.1)) + 1, 3 + vsync + 6);
  mode_timing t;
  t.width = static_cast<std::uint16_t>(w);
  t.hsync_start = static_cast<std::uint16_t>(w + 48);
  t.hsync_end = static_cast<std::uint16_t>(w + 80);
  t.htotal = static_cast<std::uint16_t>(w + 160);
  t.height = static_cast<std::uint16_t>(h);
  t.vsync_start = static_cast<std::uint16_t>(h + 3);
  t.vsync_end = static_cast<std::uint16_t>(h + 3 + vsync);
  t.vtotal = static_cast<std::uint16_t>(h + blank);
  // Not rounded to a step of 0.25 MHz: no cable is involved and the rate reads back exactly.
  t.clock = static_cast<std::uint32_t>(
    std::min<std::uint64_t>(std::uint64_t{rate} * t.htotal * t.vtotal, 0xffff'ffff));
  return t;
}

result<screen_size> current_mode(connection& x) {
  auto size = x.root_size();
  if (!size)
    return size;
  auto r = read_resources(x);
  if (!r)
    return x.failure("GetScreenResources");
  const auto* crtcs = xcb_randr_get_screen_resources_current_crtcs(r.get());
  for (int i = 0; i < xcb_randr_get_screen_resources_current_crtcs_length(r.get()); ++i) {
    xcb_ptr<xcb_randr_get_crtc_info_reply_t> crtc{xcb_randr_get_crtc_info_reply(
      x.raw(), xcb_randr_get_crtc_info(x.raw(), crtcs[i], r->config_timestamp), nullptr)};
    if (!crtc || crtc->mode == XCB_NONE)
      continue;
    for (const auto& mode : modes_of(r))
      if (mode.id == crtc->mode) {
        size->rate = rate_of(mode);
        return size;
      }
  }
  return size;
}

result<std::vector<screen_size>> list_modes(connection& x) {
  auto r = read_resources(x);
  if (!r)
    return x.failure("GetScreenResources");
  std::vector<screen_size> sizes;
  for (const auto& mode : modes_of(r))
    sizes.push_back({mode.width, mode.height, rate_of(mode)});
  auto key = [](const screen_size& s) {
    return std::tuple{std::size_t{s.width} * s.height, s.width, s.rate};
  };
  std::sort(sizes.begin(), sizes.end(),
            [&](const auto& a, const auto& b) { return key(a) > key(b); });
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  return sizes;
}

result<screen_size> set_mode(connection& x, screen_size wanted) {
  wanted.rate = std::clamp(wanted.rate == 0 ? 60u : wanted.rate, 1u, max_rate);
  xcb_ptr<xcb_randr_get_screen_size_range_reply_t> range{xcb_randr_get_screen_size_range_reply(
    x.raw(), xcb_randr_get_screen_size_range(x.raw(), x.root()), nullptr)};
  auto r = read_resources(x);
  auto before = x.root_size();
  if (!range || !r || !before)
    return x.failure("GetScreenResources");
  if (wanted.width < std::max<unsigned>(range->min_width, 1)
      || wanted.height < std::max<unsigned>(range->min_height, 1) || wanted.width > range->max_width
      || wanted.height > range->max_height)
    return error{errc::invalid_request, "the screen can be at most "
                                          + std::to_string(range->max_width) + "x"
                                          + std::to_string(range->max_height)};
  if (r->num_crtcs == 0 || r->num_outputs == 0)
    return error{errc::unsupported, "the X server has no output to resize"};
  auto crtc = xcb_randr_get_screen_resources_current_crtcs(r.get())[0];
  auto output = xcb_randr_get_screen_resources_current_outputs(r.get())[0];
  xcb_ptr<xcb_randr_get_crtc_info_reply_t> old{xcb_randr_get_crtc_info_reply(
    x.raw(), xcb_randr_get_crtc_info(x.raw(), crtc, r->config_timestamp), nullptr)};
  if (!old)
    return x.failure("GetCrtcInfo");

  xcb_randr_mode_t mode = 0;
  for (const auto& m : modes_of(r))
    if (m.width == wanted.width && m.height == wanted.height && rate_of(m) == wanted.rate)
      mode = m.id;
  if (mode != 0) // it may exist without belonging to the output: then this is refused quietly
    xcb_discard_reply(x.raw(), xcb_randr_add_output_mode(x.raw(), output, mode).sequence);
  else
    mode = make_mode(x, output, wanted);
  if (mode == 0)
    return error{errc::invalid_request, "the X server refused the mode"};

  // Nobody may see the screen without an output: hold the other clients meanwhile.
  xcb_grab_server(x.raw());
  bool good = configure(x, r, crtc, output, XCB_NONE) && set_screen(x, wanted.width, wanted.height)
              && configure(x, r, crtc, output, mode);
  if (!good) {
    configure(x, r, crtc, output, XCB_NONE);
    set_screen(x, before->width, before->height);
    configure(x, r, crtc, output, old->mode);
  }
  xcb_ungrab_server(x.raw());
  sweep(x, output, good ? mode : old->mode);
  x.flush();
  if (x.lost())
    return x.failure("SetCrtcConfig");
  if (!good)
    return error{errc::invalid_request, "the X server refused this size"};
  return current_mode(x);
}

void watch_modes(connection& x) {
  xcb_randr_select_input(x.raw(), x.root(), XCB_RANDR_NOTIFY_MASK_SCREEN_CHANGE);
  x.flush();
}

bool is_mode_event(const connection& x, const xcb_generic_event_t& event) noexcept {
  return (event.response_type & 0x7f) == x.events().randr + XCB_RANDR_SCREEN_CHANGE_NOTIFY;
}

} // namespace holt::desktop

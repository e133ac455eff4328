// SPDX-License-Identifier: Apache-2.0

// What the screen shows: its size, and pictures of it. Fields as the clients of npm sandbox-agent
// 0.4.2 know them (reference/http-api.md); ours are added beside them.

#include "actors/act_limits.hpp"
#include "actors/gateway.hpp"
#include "actors/query_fields.hpp"
#include "actors/screenshots.hpp"
#include "desktop/workbench.hpp"

#include <nlohmann/json.hpp>

namespace holt {

namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using std::chrono::milliseconds;

namespace limit = act_limits;

result<desktop::shot_format> read_format(const http::request& request) {
  auto text = request.query_value("format");
  if (!text || *text == "png")
    return desktop::shot_format::png;
  if (*text == "jpeg" || *text == "jpg")
    return desktop::shot_format::jpeg;
  if (*text == "webp")
    return desktop::shot_format::webp;
  return error{errc::invalid_request, "format must be png, jpeg or webp"};
}

result<desktop::rectangle> read_region(const http::request& request) {
  int values[4] = {};
  const char* names[] = {"x", "y", "width", "height"};
  for (int i = 0; i < 4; ++i) {
    auto value = query_number(request, names[i], -limit::region, limit::region);
    if (!value)
      return value.error();
    if (!*value)
      return error{errc::invalid_request, std::string{names[i]} + " is missing"};
    values[i] = **value;
  }
  for (int i = 0; i < 2; ++i)
    if (values[i] < 0)
      return error{errc::desktop_invalid_action,
                   std::string{names[i]} + ": Desktop coordinates must be non-negative"};
  for (int i = 2; i < 4; ++i)
    if (values[i] <= 0)
      return error{errc::desktop_invalid_action,
                   std::string{names[i]}
                     + ": Screenshot region width and height must be greater than 0"};
  auto positive = [](int n) { return static_cast<unsigned>(n); };
  return desktop::rectangle{positive(values[0]), positive(values[1]), positive(values[2]),
                            positive(values[3])};
}

result<screenshot_wish> read_wish(const http::request& request, bool region) {
  screenshot_wish out;
  auto format = read_format(request);
  if (!format)
    return format.error();
  out.how.format = *format;
  auto quality = query_number(request, "quality", 1, 100);
  if (!quality)
    return quality.error();
  out.how.quality = quality->value_or(85);
  auto scale = query_fraction(request, "scale", limit::min_scale, 1.0);
  if (!scale)
    return scale.error();
  out.how.scale = scale->value_or(1.0);
  auto cursor = query_flag(request, "showCursor");
  if (!cursor)
    return cursor.error();
  out.with_cursor = *cursor;
  auto settle = query_number(request, "settle", 0, limit::settle_ms);
  if (!settle)
    return settle.error();
  out.settle = milliseconds{settle->value_or(0)};
  auto limit = query_number(request, "settleLimit", 1, limit::settle_limit_ms);
  if (!limit)
    return limit.error();
  out.settle_limit = milliseconds{limit->value_or(limit::default_settle_limit_ms)};
  if (region) {
    auto area = read_region(request);
    if (!area)
      return area.error();
    out.region = *area;
  } else if (auto window = request.query_value("window")) {
    auto id = window_id(*window);
    if (!id)
      return id.error();
    out.window = *id;
  }
  out.known_tag = request.header_value("if-none-match");
  return out;
}

http::response picture_response(const screenshot& got, desktop::shot_format format) {
  http::response out;
  out.status = got.bytes ? 200 : 304;
  auto text = [](auto n) { return std::to_string(n); };
  out.headers.push_back({"ETag", got.tag});
  out.headers.push_back({"Cache-Control", "no-cache"});
  out.headers.push_back({"Holt-Frame", text(got.frame)});
  out.headers.push_back({"Holt-Area", text(got.area.width) + "x" + text(got.area.height) + "+"
                                        + text(got.area.x) + "+" + text(got.area.y)});
  out.headers.push_back({"Holt-Size", text(got.width) + "x" + text(got.height)});
  out.headers.push_back({"Holt-Settled", got.settled ? "true" : "false"});
  if (got.bytes)
    out.headers.push_back({"Content-Type", std::string{desktop::media_type(format)}});
  out.body = got.bytes;
  return out;
}

} // namespace

void gateway::add_screen_routes() {
  using http::scope;
  get("/v1/desktop/display/info", scope::view, [this](const gateway_call& call) {
    deps_.door->post(
      [context = deps_.context, answer = call.answer](const result<desktop::workbench*>& bench) {
        auto size = bench ? (*bench)->view().size() : result<desktop::screen_size>{bench.error()};
        if (!size)
          return answer(http::problem(size.error()));
        answer(http::json_response(
          200, {{"display", context->display()},
                {"resolution",
                 {{"width", size->width}, {"height", size->height}, {"dpi", context->dpi()}}}}));
      });
  });
  auto shots = std::make_shared<screenshots>(deps_.door);
  auto shoot = [this, shots](const gateway_call& call, bool region) {
    auto who = caller_of(deps_, call);
    if (!who)
      return call.answer(http::problem(who.error()));
    if (auto may = deps_.gate->may_look(*who); !may)
      return call.answer(control_problem(deps_.gate, *who, may.error()));
    auto wish = read_wish(call.request, region);
    if (!wish)
      return call.answer(window_problem(wish.error()));
    auto format = wish->how.format;
    shots->take(std::move(*wish),
                [gate = deps_.gate, who = *who, answer = with_epoch(deps_.gate, call.answer),
                 format](const result<screenshot>& got) {
                  // Whoever named an epoch does not get a picture of another.
                  if (auto may = gate->may_look(who); !may)
                    return answer(control_problem(gate, who, may.error()));
                  answer(got ? picture_response(*got, format) : window_problem(got.error()));
                });
  };
  get("/v1/desktop/screenshot", scope::view,
      [shoot](const gateway_call& call) { shoot(call, false); });
  get("/v1/desktop/screenshot/region", scope::view,
      [shoot](const gateway_call& call) { shoot(call, true); });
}

} // namespace holt

// SPDX-License-Identifier: Apache-2.0

// The API's description: mouse, keyboard, clipboard. Read by act_json and gateway_input.

#include "actors/act_limits.hpp"
#include "actors/api_notes.hpp"

namespace holt::api {

namespace {

namespace limit = act_limits;

schema place() {
  return integer(0, limit::off_screen);
}

schema point() {
  return object({need("x", place()), need("y", place())});
}

schema button() {
  return one_of({"left", "middle", "right", "back", "forward"});
}

schema modifiers() {
  return object(
    {opt("ctrl", flag()), opt("shift", flag()), opt("alt", flag()), opt("cmd", flag())});
}

schema click() {
  return object({need("x", place()), need("y", place()), opt("button", button()),
                 opt("clickCount", integer(1, limit::clicks)), opt("modifiers", modifiers())});
}

/// Where the pointer is, or at a place: both of its numbers, or none.
schema button_act() {
  const auto base = object({opt("button", button())});
  return either({extended(base, {need("x", place()), need("y", place())}),
                 extended(base, {may("x", nothing()), may("y", nothing())})});
}

schema drag() {
  const auto more = [](std::initializer_list<field> fields) {
    return extended(object(fields),
                    {opt("button", button()), opt("durationMs", integer(0, limit::drag_ms))});
  };
  return either({more({need("startX", place()), need("startY", place()), need("endX", place()),
                       need("endY", place())}),
                 more({need("path", list(point(), 2, limit::path))})});
}

/// One of both is not 0.
schema scroll() {
  const auto any = integer(-limit::scroll, limit::scroll);
  const auto some = either({integer(-limit::scroll, -1), integer(1, limit::scroll)});
  const auto base = object({need("x", place()), need("y", place())});
  return either({extended(base, {need("deltaX", some, "clicks to the right"),
                                 opt("deltaY", any, "clicks down")}),
                 extended(base, {opt("deltaX", any), need("deltaY", some)})});
}

schema typing() {
  return object({need("text", text(1)), opt("delayMs", integer(0, limit::delay_ms))});
}

schema press() {
  return object({need("key", text(1).like("ctrl+b"), "X and DOM names, and combinations"),
                 opt("modifiers", modifiers())});
}

schema key() {
  return object({need("key", text(1).like("Shift_L"), "X and DOM names")});
}

/// One of several acts: with its kind.
schema one(std::string_view kind, const schema& fields) {
  return each(fields, [&](const schema& some) {
    return closed(extended(some, {need("type", one_of({kind}))}));
  });
}

schema any_act() {
  return either({one("move", point()), one("click", click()), one("down", button_act()),
                 one("up", button_act()), one("drag", drag()), one("scroll", scroll()),
                 one("type", typing()), one("press", press()), one("key_down", key()),
                 one("key_up", key()),
                 one("wait", object({need("ms", integer(0, limit::wait_ms))}))});
}

schema effect_field() {
  return one_of({"wait", "none"});
}

/// What every act may also be asked: to look what it did.
schema act_body(const schema& fields) {
  return extended(fields, {opt("effect", effect_field(), "wait: look what it did"),
                           opt("effectMs", integer(1, limit::effect_ms), "ms to look for it")});
}

note& act(notes& into, const char* pattern, const char* summary, const schema& body,
          const char* answer) {
  return into.post(pattern, summary)
    .query("effect", effect_field(), "as the field")
    .query("effectMs", integer(1, limit::effect_ms), "as the field")
    .body(act_body(body))
    .ok(named(answer))
    .fails({errc::desktop_runtime_inactive, errc::desktop_invalid_action, errc::control_held,
            errc::busy, errc::unprocessable});
}

schema pointer() {
  return object({need("x", integer()), need("y", integer()), need("screen", count()),
                 need("window", text_like("^[0-9]+$"), "below the pointer; 0: none"),
                 may("effect", one_of({"confirmed", "no_visible_change"}))});
}

void describe_clipboard(notes& into) {
  into.room("Clipboard", "What was copied.");
  into.get("/v1/desktop/clipboard", "What was copied")
    .query("selection", one_of({"clipboard", "primary"}))
    .ok(object({need("text", text()), need("selection", one_of({"clipboard", "primary"}))}))
    .fails({errc::desktop_runtime_inactive, errc::busy});
  into.post("/v1/desktop/clipboard", "Copy a text")
    .body(
      object({need("text", text()), opt("selection", one_of({"clipboard", "primary", "both"}))}))
    .ok(object({need("ok", flag())}), "It holds now.")
    .fails({errc::desktop_runtime_inactive, errc::control_held, errc::busy});
}

} // namespace

void describe_input(notes& into) {
  into.room("Mouse and keyboard", "Acts are done in order and answered once they are done.");
  into.define("Pointer", pointer());
  into.define("Done", object({need("ok", flag()),
                              may("effect", one_of({"confirmed", "no_visible_change"}))}));
  into.get("/v1/desktop/mouse/position", "Where the pointer is")
    .ok(named("Pointer"))
    .fails({errc::desktop_runtime_inactive, errc::busy});
  act(into, "/v1/desktop/mouse/move", "Move the pointer", point(), "Pointer");
  act(into, "/v1/desktop/mouse/click", "Click", click(), "Pointer");
  act(into, "/v1/desktop/mouse/down", "Press a button", button_act(), "Pointer")
    .says("It is let go after 120 s without any act.");
  act(into, "/v1/desktop/mouse/up", "Let a button go", button_act(), "Pointer");
  act(into, "/v1/desktop/mouse/drag", "Drag from one place to another", drag(), "Pointer");
  act(into, "/v1/desktop/mouse/scroll", "Scroll", scroll(), "Pointer");
  act(into, "/v1/desktop/keyboard/type", "Type a text", typing(), "Done");
  act(into, "/v1/desktop/keyboard/press", "Press a key or a combination", press(), "Done");
  act(into, "/v1/desktop/keyboard/down", "Press a key and hold it", key(), "Done");
  act(into, "/v1/desktop/keyboard/up", "Let a key go", key(), "Done");

  const auto result
    = either({named("Pointer"),
              object({need("error", object({need("code", text()), need("detail", text())})),
                      may("effect", one_of({"refused"}))})});
  act(into, "/v1/desktop/actions", "Several acts, one after the other",
      closed(object({need("actions", list(named("Act"), 1, limit::acts))})), "ActResults")
    .says("Checked whole before anything is done. Where one fails, the rest is left out.");
  into.define("Act", any_act());
  into.define("ActResults", object({need("results", list(result)), need("completed", flag())}));
  describe_clipboard(into);
}

} // namespace holt::api

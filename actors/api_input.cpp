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
  return object({need("text", text(1)), opt("delayMs", integer(0, limit::delay_ms)),
                 opt("method", one_of({"keys", "paste"}),
                     "paste: by way of the clipboard, which is as before afterwards"),
                 opt("pasteKey", text(1).like("ctrl+shift+v"),
                     "with paste: what the program in front pastes by; ctrl+v")});
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
  const auto types = list(text_like("^[^/]+/[^/]+$"));
  into.room("Clipboard", "What was copied.");
  into.get("/v1/desktop/clipboard", "What was copied")
    .says("Without `format` its text, empty where it has none; with `format` the bytes of that "
          "form, as the owner gives them, at most 16 MiB. A media "
          "type that is no picture and no text comes as application/octet-stream; `Holt-Type` "
          "says what it is.")
    .query("selection", one_of({"clipboard", "primary"}))
    .query("format",
           either({one_of({"text", "html", "image", "uris"}),
                   text_like("^[A-Za-z0-9.+-]{1,40}/[A-Za-z0-9.+_-]{1,40}$")}),
           "a form of it, or a media type")
    .ok(object({need("text", text()), need("selection", one_of({"clipboard", "primary"}))}))
    .as("text/plain", text())
    .as("text/html", text())
    .as("text/uri-list", text())
    .as("image/png", text())
    .as("image/jpeg", text())
    .as("image/webp", text())
    .as("image/gif", text())
    .as("image/bmp", text())
    .as("application/octet-stream", text())
    .with("Holt-Type", text(), "with format: the media type")
    .fails({errc::desktop_runtime_inactive, errc::busy, errc::not_found, errc::conflict,
            errc::payload_too_large, errc::timeout});
  const auto form = [](const field& needed) {
    return extended(object({opt("selection", one_of({"clipboard", "primary", "both"}))}), {needed});
  };
  into.get("/v1/desktop/clipboard/types", "What forms it was copied in")
    .query("selection", one_of({"clipboard", "primary"}))
    .ok(object({need("types", types), need("selection", one_of({"clipboard", "primary"}))}),
        "Media types, the owner's order")
    .fails({errc::desktop_runtime_inactive, errc::busy});
  const auto uri = text_like("^[!-\"$-~][!-~]*:[!-~]*$");
  into.post("/v1/desktop/clipboard", "Copy")
    .says("One thing in each form that is given; at most 16 MiB together. `html` alone gets its "
          "text beside it.")
    .body(
      either({form(need("text", text())), form(need("html", text())),
              form(need("image", text(4).like("iVBORw0KGgo="),
                        "PNG, JPEG, WebP, GIF or BMP as base64, also a data URL")),
              form(need("uris", list(uri, 1, limit::clipboard_uris), "of files: text/uri-list"))}))
    .ok(object({need("ok", flag())}), "It holds now.")
    .fails(
      {errc::desktop_runtime_inactive, errc::control_held, errc::busy, errc::payload_too_large});
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
  act(into, "/v1/desktop/keyboard/type", "Type a text", typing(), "Done")
    .says("With `method` `paste` it goes by way of the clipboard: what is there is kept in all its "
          "forms and put back once the program in front has fetched the text. Terminals mostly "
          "paste by another key: `pasteKey`. 409 where the program did not paste.")
    .fails({errc::conflict, errc::timeout, errc::payload_too_large});
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

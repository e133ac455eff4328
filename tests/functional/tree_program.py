# SPDX-License-Identifier: Apache-2.0
"""A GTK program with one of each: what happens in it is written to a file, a line each. Runs on
the system's Python, which has GTK. Arguments: the window's title, the file."""

import sys

import gi

gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, Gtk  # noqa: E402

RED = b"button { background: #ff0000; border: none; box-shadow: none; border-radius: 0; text-shadow: none; }"


def main() -> None:
    title, path = sys.argv[1:3]
    out = open(path, "a", buffering=1)

    def say(*what):
        print(*what, file=out, flush=True)

    style = Gtk.CssProvider()
    style.load_from_data(RED)
    Gtk.StyleContext.add_provider_for_screen(Gdk.Screen.get_default(), style,
                                             Gtk.STYLE_PROVIDER_PRIORITY_APPLICATION)
    window = Gtk.Window(title=title)
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=8)
    window.add(box)
    entry = Gtk.Entry(text="before")
    entry.get_accessible().set_name("Your name")
    entry.connect("changed", lambda e: say("entry", e.get_text()))
    button = Gtk.Button(label="Press me")
    button.set_size_request(200, 60)
    button.connect("clicked", lambda *_: say("clicked", entry.get_text()))
    tick = Gtk.CheckButton(label="Tick")
    tick.connect("toggled", lambda t: say("tick", t.get_active()))
    scale = Gtk.Scale.new_with_range(Gtk.Orientation.HORIZONTAL, 0, 100, 1)
    scale.connect("value-changed", lambda s: say("scale", s.get_value()))
    secret = Gtk.Entry(text="hunter2", visibility=False)
    hidden = Gtk.Button(label="Hidden")
    hidden.set_no_show_all(True)
    leave = Gtk.Button(label="Leave")
    leave.connect("clicked", lambda *_: window.destroy())
    long = Gtk.TextView()
    long.get_buffer().set_text("word " * 1000)
    part = Gtk.ScrolledWindow()
    part.set_size_request(200, 60)
    part.add(long)
    for one in (entry, button, tick, scale, secret, hidden, leave, part):
        box.pack_start(one, False, False, 0)
    window.connect("destroy", Gtk.main_quit)
    window.show_all()
    window.move(60, 40)
    say("ready")
    Gtk.main()


main()

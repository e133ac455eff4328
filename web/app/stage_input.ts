// SPDX-License-Identifier: Apache-2.0
// DOM events on the picture and its keyboard sink into the core's input. The sink is an unseen
// text field: input methods and touch keyboards need one to write into. Nothing is kept from the
// browser while the person does not drive, so Tab leaves as everywhere else.

import { system_clock } from '../core/clock.ts';
import type { Point } from '../core/geometry.ts';
import { to_screen, x_button } from '../core/geometry.ts';
import { XK } from '../core/keysym.ts';
import { TouchGestures } from '../core/touch.ts';
import { WheelAccumulator } from '../core/wheel.ts';
import { keyboard, keyboard_captured, set_sound, sound_chosen, stage_hooks, view, viewer } from './model.ts';

/** Android reports a deletion only when there is something to delete. */
const sentinel = '\u200b\u200b';

/** Connects both elements until the returned function is called. */
export function bind_input(picture: HTMLElement, sink: HTMLTextAreaElement): () => void {
  const ended = new AbortController();
  const buttons = new Set<number>();
  const wheel = new WheelAccumulator();

  const screen_point = (client: Point) => {
    const { screen } = view.peek();
    const box = picture.getBoundingClientRect();
    if (!screen) return undefined;
    return to_screen(client, { left: box.left, top: box.top, width: box.width, height: box.height }, screen);
  };
  const move = (client: Point) => {
    const at = screen_point(client);
    if (at) viewer.move(at.x, at.y);
  };
  const button = (down: boolean, which: number) => {
    if (which === 0) return;
    if (down) buttons.add(which);
    else buttons.delete(which);
    viewer.button(down, which);
  };
  const fingers = new TouchGestures(
    {
      move,
      button,
      scroll(dx, dy) {
        // Content follows the fingers: down means back up.
        const clicks = wheel.add({ deltaX: -dx, deltaY: -dy, deltaMode: 0 }, performance.now());
        viewer.scroll(clicks.left, clicks.up, false);
      },
    },
    system_clock,
  );
  const release = () => {
    keyboard.release_all();
    fingers.cancel();
    for (const which of [...buttons]) button(false, which);
    wheel.reset();
  };
  stage_hooks.release_input = release;

  /** The first touch of somebody who may drive takes the free wheel. */
  const engage = () => {
    if (!sound_chosen.peek()) set_sound(true);
    const { control, can_control, phase } = view.peek();
    if (phase === 'live' && can_control && !control.you && control.kind !== 'person') viewer.driving.request();
  };

  const on = <K extends keyof HTMLElementEventMap>(
    target: HTMLElement,
    name: K,
    run: (event: HTMLElementEventMap[K]) => void,
    passive = true,
  ) => target.addEventListener(name, run, { signal: ended.signal, passive });

  on(picture, 'pointerdown', (event) => {
    event.preventDefault();
    engage();
    if (event.pointerType === 'touch') {
      fingers.down(event.pointerId, { x: event.clientX, y: event.clientY });
      return;
    }
    sink.focus({ preventScroll: true });
    picture.setPointerCapture(event.pointerId);
    move({ x: event.clientX, y: event.clientY });
    button(true, x_button(event.button));
  }, false);
  on(picture, 'pointermove', (event) => {
    const at = { x: event.clientX, y: event.clientY };
    if (event.pointerType === 'touch') {
      fingers.move(event.pointerId, at);
      return;
    }
    move(at);
    // A second button comes and goes without a pointerdown or pointerup of its own.
    if (event.button >= 0) {
      const which = x_button(event.button);
      const down = !buttons.has(which);
      button(down, which);
    }
  });
  on(picture, 'pointerup', (event) => {
    if (event.pointerType === 'touch') fingers.up(event.pointerId);
    else for (const which of [...buttons]) button(false, which);
  });
  on(picture, 'pointercancel', (event) => {
    if (event.pointerType === 'touch') fingers.cancel();
    else release();
  });
  on(picture, 'contextmenu', (event) => event.preventDefault(), false);
  on(picture, 'wheel', (event) => {
    if (!viewer.may_drive) return;
    event.preventDefault();
    const clicks = wheel.add(event as WheelEvent & { wheelDeltaX?: number; wheelDeltaY?: number }, event.timeStamp);
    viewer.scroll(clicks.left, clicks.up, event.ctrlKey);
  }, false);
  on(picture, 'keydown', (event) => {
    if (event.target !== picture || event.key !== 'Enter') return;
    event.preventDefault();
    engage();
    sink.focus({ preventScroll: true });
  }, false);

  const reset_sink = () => {
    sink.value = sentinel;
    sink.setSelectionRange(sentinel.length, sentinel.length);
  };
  on(sink, 'focus', () => {
    reset_sink();
    keyboard_captured.value = true;
  });
  on(sink, 'blur', () => {
    keyboard_captured.value = false;
    release();
  });
  on(sink, 'keydown', (event) => {
    if (viewer.may_drive && keyboard.down(event)) event.preventDefault();
  }, false);
  on(sink, 'keyup', (event) => {
    if (keyboard.up(event)) event.preventDefault();
  }, false);
  on(sink, 'beforeinput', (event) => {
    if (event.isComposing || event.inputType === 'insertCompositionText') return;
    event.preventDefault();
    if (!viewer.may_drive) return;
    if (event.inputType.startsWith('deleteContent'))
      keyboard.tap(event.inputType === 'deleteContentForward' ? XK.Delete : XK.BackSpace);
    else if (event.inputType === 'insertLineBreak' || event.inputType === 'insertParagraph')
      keyboard.tap(XK.Return);
    else keyboard.text(event.data ?? event.dataTransfer?.getData('text/plain') ?? '');
  }, false);
  on(sink, 'compositionend', (event) => {
    if (viewer.may_drive) keyboard.text(event.data);
    reset_sink();
  });

  const elsewhere = { signal: ended.signal };
  addEventListener('blur', release, elsewhere);
  addEventListener('pagehide', release, elsewhere);
  document.addEventListener('visibilitychange', () => document.hidden && release(), elsewhere);
  return () => {
    release();
    ended.abort();
    stage_hooks.release_input = () => undefined;
  };
}

// SPDX-License-Identifier: Apache-2.0
// What every popover does: a press outside of it or Escape closes it, and Escape gives the focus
// back to the button that opened it.

import { useSignalEffect, type Signal } from '@preact/signals';
import type { RefObject } from 'preact';

/** `root` holds the button, first, and the popover. */
export function use_dismiss(open: Signal<boolean>, root: RefObject<HTMLElement | null>): void {
  useSignalEffect(() => {
    if (!open.value) return;
    const ended = new AbortController();
    document.addEventListener('pointerdown', (event) => {
      if (!root.current?.contains(event.target as Node)) open.value = false;
    }, { signal: ended.signal });
    document.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      open.value = false;
      root.current?.querySelector('button')?.focus();
    }, { signal: ended.signal });
    return () => ended.abort();
  });
}

// SPDX-License-Identifier: Apache-2.0
// The browser's own clipboard, also where the page has no secure context.

import { say } from './model.ts';

/** True once it is on the clipboard. Must run within a click or a key. */
export async function copy_text(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copy_by_selection(text);
  }
}

export async function copy_and_say(text: string, what: string): Promise<void> {
  if (await copy_text(text)) say(`${what} copied.`);
  else say('The browser does not allow copying here.', true);
}

/** Undefined where the browser does not allow reading it. */
export async function pasted_text(): Promise<string | undefined> {
  try {
    return await navigator.clipboard.readText();
  } catch {
    return undefined;
  }
}

function copy_by_selection(text: string): boolean {
  const before = document.activeElement;
  const field = document.createElement('textarea');
  field.value = text;
  field.className = 'visually-hidden';
  document.body.append(field);
  field.select();
  const done = document.execCommand('copy');
  field.remove();
  if (before instanceof HTMLElement) before.focus({ preventScroll: true });
  return done;
}

// SPDX-License-Identifier: Apache-2.0
// One terminal as xterm.js draws it. Lives as long as its tab, also while it is not shown. The
// size of a terminal that others see too is left alone until the person here works in it.

import '@xterm/xterm/css/xterm.css';

import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import { effect, signal, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

import type { TerminalTab } from '../core/terminals.ts';
import { size_text } from '../core/units.ts';
import { copy_and_say } from './copy.ts';
import { mirror, say, theme } from './model.ts';
import { with_stand_ins } from './terminal_policy.ts';
import { theme_of } from './terminal_theme.ts';
import { terminals } from './tools.ts';

/** Output is read out by a screen reader; costs speed. */
export const read_aloud = signal(false);

/** What the dock's buttons do to the terminal that is shown. */
export interface TerminalHandle {
  readonly selection: () => string;
  readonly paste: (text: string) => void;
  readonly focus: () => void;
}
export const handles = new Map<string, TerminalHandle>();

function leaves(event: KeyboardEvent): boolean {
  return event.ctrlKey && event.altKey && event.shiftKey && ['Control', 'Alt', 'Shift', 'Meta'].includes(event.key);
}

/** False: the terminal does not get this key. */
function on_key(event: KeyboardEvent, term: Terminal, leave: () => void): boolean {
  if (event.type !== 'keydown') return true;
  if (leaves(event)) {
    leave();
    return false;
  }
  const key = event.key.toLowerCase();
  const copies = (event.ctrlKey && event.shiftKey && key === 'c') || (event.ctrlKey && key === 'insert');
  if (copies) {
    event.preventDefault(); // else the browser's own tools open
    if (term.hasSelection()) void copy_and_say(term.getSelection(), 'Selection').then(() => term.focus());
    return false;
  }
  // Pasting is the browser's: it gives the text without asking.
  return !((event.ctrlKey && event.shiftKey && key === 'v') || (event.shiftKey && key === 'insert'));
}

function build(host: HTMLElement, tab: TerminalTab): () => void {
  const { link, process } = tab;
  const term = new Terminal({
    cols: process.cols,
    rows: process.rows,
    fontFamily: getComputedStyle(host).fontFamily,
    fontSize: 13,
    lineHeight: 1.15,
    scrollback: 5_000,
    cursorBlink: !matchMedia('(prefers-reduced-motion: reduce)').matches,
    minimumContrastRatio: 4.5,
    macOptionClickForcesSelection: true,
    theme: theme_of(host),
  });
  const fit = new FitAddon();
  term.loadAddon(fit);
  with_stand_ins(() => term.open(host));
  const leave = () => document.getElementById(`terminal-tab-${tab.id}`)?.focus();
  term.attachCustomKeyEventHandler((event) => on_key(event, term, leave));

  let sets_size = tab.own;
  const resize = () => {
    if (sets_size && host.clientWidth > 0 && host.clientHeight > 0) fit.fit();
  };
  const watcher = new ResizeObserver(() => requestAnimationFrame(resize));
  watcher.observe(host);
  const works_here = () => {
    sets_size = true;
    resize();
    link.resize(term.cols, term.rows);
  };
  const field = term.textarea;
  field?.addEventListener('focus', works_here);
  field?.setAttribute('aria-label', 'Terminal input');
  field?.setAttribute('aria-describedby', 'terminal-keys');

  term.onData((text) => { link.input(text); });
  term.onBinary((text) => { link.input_binary(text); });
  term.onResize(({ cols, rows }) => { if (sets_size) link.resize(cols, rows); });
  term.onTitleChange((title) => terminals.rename(tab.id, title));

  const state = mirror(link.state);
  let was_live = false;
  let noticed = 0;
  const ends = [
    effect(() => {
      const { phase, notice } = state.value;
      if (phase === 'live' && !was_live && sets_size) link.resize(term.cols, term.rows);
      was_live = phase === 'live';
      if (notice && notice.id !== noticed) say(notice.text, true);
      noticed = notice?.id ?? noticed;
    }),
    effect(() => {
      void theme.value;
      queueMicrotask(() => { term.options.theme = theme_of(host); });
    }),
    effect(() => { term.options.screenReaderMode = read_aloud.value; }),
  ];
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const recolour = () => { term.options.theme = theme_of(host); };
  dark.addEventListener('change', recolour);

  resize();
  link.start({
    write: (bytes, done) => term.write(bytes, done),
    // Ends a sequence that was cut in the middle.
    lost: (bytes) => term.write(`\x18\x1b[0m\r\n\x1b[2m[${size_text(bytes)} of output were not kept]\x1b[0m\r\n`),
  });
  handles.set(tab.id, {
    selection: () => term.getSelection(),
    paste: (text) => term.paste(text),
    focus: () => term.focus(),
  });
  return () => {
    handles.delete(tab.id);
    for (const end of ends) end();
    dark.removeEventListener('change', recolour);
    watcher.disconnect();
    term.dispose();
  };
}

export function TerminalView({ tab, shown }: { readonly tab: TerminalTab; readonly shown: boolean }) {
  const host = useRef<HTMLDivElement>(null);
  const state = useSignal(tab.link.state.get());
  useEffect(() => tab.link.state.subscribe((now) => { state.value = now; }), [tab.id]);
  useEffect(() => (host.current ? build(host.current, tab) : undefined), [tab.id]);
  useEffect(() => { if (shown) handles.get(tab.id)?.focus(); }, [shown]);
  const { phase, reason } = state.value;
  return (
    <div
      class="terminal-pane"
      role="tabpanel"
      id={`terminal-${tab.id}`}
      aria-labelledby={`terminal-tab-${tab.id}`}
      hidden={!shown}
      data-testid="terminal"
      data-phase={phase}
      data-id={tab.id}
    >
      <div class="terminal-host" ref={host} />
      {phase !== 'live' && (
        <p class={`terminal-note ${phase}`} role="status" data-testid="terminal-note">
          {phase === 'ended' ? reason : phase === 'retrying' ? `${reason} Connecting again…` : 'Connecting…'}
          {phase === 'retrying' && (
            <button type="button" class="link" onClick={() => tab.link.retry_now()}>Now</button>
          )}
          {phase === 'ended' && (
            <button type="button" class="link" data-testid="terminal-dismiss" onClick={() => terminals.close(tab.id)}>Close</button>
          )}
        </p>
      )}
    </div>
  );
}

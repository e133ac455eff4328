// SPDX-License-Identifier: Apache-2.0
// The terminals below the desktop: their tabs, what can be done with the one that is shown, and
// those that run elsewhere and can be looked at from here.

import { useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

import { ask } from './ask.tsx';
import { copy_and_say, pasted_text } from './copy.ts';
import { use_dismiss } from './dismiss.ts';
import { DockHandle } from './dock_handle.tsx';
import { IconButton } from './icon_button.tsx';
import { Icon } from './icons.tsx';
import { say } from './model.ts';
import { handles, read_aloud, TerminalView } from './terminal_view.tsx';
import { dock_height, dock_open, process_list, processes, show_dock, terminal_tabs, terminals } from './tools.ts';
import { command_line, terminal_tag, type ProcessInfo } from '../core/processes.ts';
import { when_text } from '../core/units.ts';

/** What fits the dock as it is, roughly; the terminal measures itself once it is there. */
function open_terminal(): void {
  const box = document.querySelector('.dock-body');
  const cols = Math.max(20, Math.floor((box?.clientWidth ?? 800) / 8));
  const rows = Math.max(4, Math.floor((box?.clientHeight ?? 240) / 15));
  void terminals.open(cols, rows);
}

/** Terminals that run and have no tab here. */
function others(): ProcessInfo[] {
  const here = new Set(terminal_tabs.value.tabs.map((tab) => tab.id));
  return (process_list.value.list ?? []).filter((one) => one.tty && one.running && !here.has(one.id));
}

async function close_tab(id: string): Promise<void> {
  const tab = terminal_tabs.peek().tabs.find((one) => one.id === id);
  if (!tab) return;
  if (tab.link.state.get().phase !== 'ended') {
    const choice = await ask(`Close ${tab.title}?`, 'Its programs run on unless you end them.', [
      { value: 'end', label: 'End it', grave: true },
      { value: 'leave', label: 'Leave it running' },
    ]);
    if (choice === '') return;
    if (choice === 'end') {
      const refused = await terminals.end(id);
      if (refused !== '') say(`Not ended: ${refused}`, true);
      return;
    }
  }
  terminals.close(id);
}

export function TerminalDock() {
  const { tabs, active, opening, problem } = terminal_tabs.value;
  const first = useRef(true);
  useEffect(() => processes.watch(), []);
  // The first time: a terminal at once, unless some of ours still run from before a reload.
  useSignalEffect(() => {
    if (!first.current || !dock_open.value) return;
    const { list, problem: refused } = process_list.value;
    if (list === undefined && refused === '') return;
    first.current = false;
    const left = list?.some((one) => one.running && one.tags.includes(terminal_tag)) ?? false;
    if (!left && terminal_tabs.peek().tabs.length === 0) queueMicrotask(open_terminal);
  });
  const style = dock_height.value > 0 ? { height: `${dock_height.value}px` } : {};
  return (
    <section class="dock" aria-label="Terminals" data-testid="dock" hidden={!dock_open.value} style={style}>
      <DockHandle />
      <div class="dock-bar">
        <Tabs />
        <IconButton icon="plus" label="New terminal" test="terminal-new" off={opening} act={open_terminal} />
        <Attach />
        <span class="dock-space" />
        {active !== '' && <Tools active={active} />}
        <IconButton icon="chevron" label="Hide the terminals" test="dock-hide" act={() => show_dock(false)} extra="down" />
      </div>
      <div class="dock-body">
        {problem !== '' && <p class="panel-note" role="alert" data-testid="terminal-problem">No terminal: {problem}</p>}
        {tabs.length === 0 && problem === '' && (opening ? <p class="empty" role="status">Opening a terminal…</p> : <Empty />)}
        {tabs.map((tab) => <TerminalView key={tab.id} tab={tab} shown={dock_open.value && tab.id === active} />)}
      </div>
      <p id="terminal-keys" class="visually-hidden">Control, Alt and Shift together leave the terminal.</p>
    </section>
  );
}

function Tabs() {
  const { tabs, active } = terminal_tabs.value;
  if (tabs.length === 0) return <strong class="dock-title">Terminal</strong>;
  const on_key = (event: KeyboardEvent) => {
    if (event.key === 'Delete') void close_tab(active);
    if (event.key === 'Enter' || event.key === 'ArrowDown') {
      event.preventDefault();
      handles.get(active)?.focus();
    }
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    const at = tabs.findIndex((tab) => tab.id === active);
    const next = tabs[(at + (event.key === 'ArrowRight' ? 1 : tabs.length - 1)) % tabs.length];
    if (!next) return;
    terminals.show(next.id);
    document.getElementById(`terminal-tab-${next.id}`)?.focus();
  };
  return (
    <div class="dock-tabs" role="tablist" aria-label="Terminals" onKeyDown={on_key}>
      {tabs.map((tab) => (
        <button
          type="button"
          role="tab"
          class="tab"
          key={tab.id}
          id={`terminal-tab-${tab.id}`}
          aria-selected={tab.id === active}
          aria-controls={`terminal-${tab.id}`}
          tabIndex={tab.id === active ? 0 : -1}
          title={tab.title}
          data-testid="terminal-tab"
          onClick={() => {
            terminals.show(tab.id);
            handles.get(tab.id)?.focus();
          }}
        >
          <span class="tab-text">{tab.title}</span>
        </button>
      ))}
    </div>
  );
}

function Tools({ active }: { readonly active: string }) {
  const copy = () => {
    const text = handles.get(active)?.selection() ?? '';
    if (text === '') say('Nothing is selected in the terminal.');
    else void copy_and_say(text, 'Selection');
  };
  const paste = async () => {
    const text = await pasted_text();
    if (text === undefined) say('The browser does not let the page read its clipboard. Press Control+Shift+V in the terminal.', true);
    else if (text !== '') handles.get(active)?.paste(text);
    handles.get(active)?.focus();
  };
  return (
    <>
      <IconButton icon="copy" label="Copy the selection" test="terminal-copy" act={copy} />
      <IconButton icon="paste" label="Paste into the terminal" test="terminal-paste" act={() => void paste()} />
      <IconButton
        icon="reader"
        label="Read output aloud with a screen reader"
        test="terminal-reader"
        on={read_aloud.value}
        act={() => { read_aloud.value = !read_aloud.value; }}
      />
      <IconButton icon="close" label="Close this terminal" test="terminal-close" act={() => void close_tab(active)} />
    </>
  );
}

/** The terminals that others opened, or this page before it was loaded again. */
function Running({ then }: { readonly then: () => void }) {
  return (
    <ul class="running" data-testid="terminal-running">
      {others().map((one) => (
        <li key={one.id}>
          <button type="button" class="menu-item" data-testid={`attach-${one.id}`} onClick={() => { then(); terminals.attach(one); }}>
            <span class="mono">{command_line(one)}</span>
            <span class="muted small">{one.id}, since {when_text(one.created_ms, Date.now())}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function Attach() {
  const open = useSignal(false);
  const root = useRef<HTMLDivElement>(null);
  use_dismiss(open, root);
  const count = others().length;
  if (count === 0 || terminal_tabs.value.tabs.length === 0) return null;
  const label = `${count} more running ${count === 1 ? 'terminal' : 'terminals'}`;
  return (
    <div class="menu-root" ref={root}>
      <button
        type="button"
        class="choice attach"
        aria-expanded={open.value}
        data-testid="terminal-attach"
        onClick={() => { open.value = !open.value; }}
      >
        {label}
      </button>
      {open.value && <div class="menu"><Running then={() => { open.value = false; }} /></div>}
    </div>
  );
}

function Empty() {
  return (
    <div class="empty dock-empty">
      <button type="button" class="button primary" data-testid="terminal-open" onClick={open_terminal}>
        <Icon name="terminal" /> Open a terminal
      </button>
      {others().length > 0 && (
        <>
          <p>Running now:</p>
          <Running then={() => undefined} />
        </>
      )}
    </div>
  );
}

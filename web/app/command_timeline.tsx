// SPDX-License-Identifier: Apache-2.0
// What agents do, newest first: each command with its state, output and result. Following shows
// everything as it comes; paused, the list stands still and says how much is new.

import { useSignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';

import { failed, matches, time_of, words_of, type Command, type Filter, type Show } from '../core/commands.ts';
import { copy_and_say } from './copy.ts';
import { Icon } from './icons.tsx';
import { follower, now_ms, say, session, timeline } from './model.ts';

const shown = 150;
const choices: readonly (readonly [Show, string])[] = [
  ['all', 'All'], ['running', 'Running'], ['failed', 'Failed'], ['shell', 'Shell'], ['files', 'Files'],
];

export function CommandTimeline() {
  const filter = useSignal<Filter>({ text: '', show: 'all' });
  /** What stood there when the person paused; nothing while following. */
  const held = useSignal<readonly Command[] | undefined>(undefined);
  const live = timeline.value.commands;
  const list = held.value ?? live;
  const last_held = held.value?.at(-1)?.n ?? 0;
  const fresh = held.value ? live.filter((command) => command.n > last_held).length : 0;
  const found = list.filter((command) => matches(command, filter.value));
  const rows = found.slice(-shown).reverse();
  return (
    <section class="timeline" data-testid="timeline" aria-label="Commands">
      <div class="timeline-tools">
        <input
          type="search"
          placeholder="Filter"
          aria-label="Filter commands"
          data-testid="command-filter"
          value={filter.value.text}
          onInput={(event) => { filter.value = { ...filter.value, text: event.currentTarget.value }; }}
        />
        <select
          aria-label="Which commands"
          data-testid="command-show"
          value={filter.value.show}
          onChange={(event) => { filter.value = { ...filter.value, show: event.currentTarget.value as Show }; }}
        >
          {choices.map(([value, label]) => <option key={value} value={value}>{label}</option>)}
        </select>
        <button
          type="button"
          class="choice follow"
          aria-pressed={!held.value}
          data-testid="follow"
          onClick={() => { held.value = held.value ? undefined : live; }}
        >
          <Icon name={held.value ? 'play' : 'pause'} />
          {held.value ? `Follow${fresh > 0 ? ` (${fresh} new)` : ''}` : 'Pause'}
        </button>
      </div>
      {rows.length === 0 ? (
        <p class="empty">
          {list.length === 0 ? 'No agent has sent a command yet.' : 'No command matches the filter.'}
        </p>
      ) : (
        <ol class="command-list">
          {rows.map((command, i) => (
            <Row key={command.n} command={command} newest={i === 0} following={!held.value} />
          ))}
        </ol>
      )}
      {found.length > shown && <p class="empty">{found.length - shown} older ones are not shown.</p>}
    </section>
  );
}

function tone(command: Command): string {
  if (command.phase === 'queued') return 'off';
  if (command.phase === 'running') return 'busy';
  return failed(command) ? 'bad' : 'good';
}

interface RowProps {
  readonly command: Command;
  readonly newest: boolean;
  readonly following: boolean;
}

function Row({ command, newest, following }: RowProps) {
  /** Nothing until the person has chosen: then the newest one that runs stands open. */
  const chosen = useSignal<boolean | undefined>(undefined);
  const open = chosen.value ?? (newest && following && command.phase === 'running');
  const details_id = `command-${command.n}`;
  const summary = command.summary || command.id || `command ${command.n}`;
  return (
    <li class={`command-row tone-${tone(command)}`} data-testid={`command-${command.n}`} data-phase={command.phase}>
      <div class="node-row">
        <button
          type="button"
          class="node-main"
          aria-expanded={open}
          aria-controls={details_id}
          onClick={() => { chosen.value = !open; }}
        >
          <span class={`twist${open ? ' open' : ''}`}><Icon name="chevron" /></span>
          <span class="command-text">
            <span class="command-type">{command.type || 'command'}</span>
            <span class="mono command-summary">{summary}</span>
          </span>
          <span class="command-time">{time_of(command, now_ms.value)}</span>
          <span class={`state tone-${tone(command)}`} data-testid="command-state">{words_of(command)}</span>
        </button>
        {command.phase !== 'done' && session.has('exec') && <Cancel command={command} label={summary} />}
      </div>
      <div id={details_id} hidden={!open}>{open && <Details command={command} following={following} />}</div>
    </li>
  );
}

function Cancel({ command, label }: { readonly command: Command; readonly label: string }) {
  const busy = useSignal(false);
  const name = `Cancel ${label}`.slice(0, 120);
  return (
    <button
      type="button"
      class="icon-button small"
      aria-label={name}
      title="Cancel"
      disabled={busy.value}
      data-testid="cancel"
      onClick={() => {
        busy.value = true;
        void follower.cancel(command.n).then((refused) => {
          busy.value = false;
          if (refused !== '') say(`Not cancelled: ${refused}`, true);
        });
      }}
    >
      <Icon name="stop" />
    </button>
  );
}

function Details({ command, following }: { readonly command: Command; readonly following: boolean }) {
  const at = new Date(command.queued_at || command.running_at || command.done_at);
  const facts: [string, string][] = [];
  if (!Number.isNaN(at.valueOf())) facts.push(['at', at.toLocaleTimeString()]);
  if (command.src !== '' && command.src !== 'anon') facts.push(['agent', command.src]);
  facts.push(['id', command.id]);
  if (command.session !== '') facts.push(['session', command.session]);
  if (command.dup) facts.push(['sent again', 'yes']);
  const text = command.output.map((piece) => piece.text).join('');
  return (
    <div class="node-details command-details">
      <pre class="log command-line" tabIndex={0}>{command.summary}</pre>
      <dl>
        {facts.map(([name, value]) => (
          <div key={name}><dt>{name}</dt><dd class="mono">{value}</dd></div>
        ))}
      </dl>
      {command.detail !== '' && <p class="command-detail">{command.detail}</p>}
      {command.missing > 0 && <p class="muted">{command.missing} bytes before are not shown.</p>}
      {text !== '' && <Output command={command} following={following} />}
      {command.truncated && <p class="muted">The agent got the first and the last part of the output.</p>}
      <p class="command-buttons">
        <button type="button" class="link" data-testid="copy-command" onClick={() => void copy_and_say(command.summary, 'Command')}>
          <Icon name="copy" /> Copy command
        </button>
        {text !== '' && (
          <button type="button" class="link" data-testid="copy-output" onClick={() => void copy_and_say(text, 'Output')}>
            <Icon name="copy" /> Copy output
          </button>
        )}
      </p>
    </div>
  );
}

/** Stays at its end while it grows, unless the person has scrolled up. */
function Output({ command, following }: { readonly command: Command; readonly following: boolean }) {
  const box = useRef<HTMLPreElement>(null);
  const at_end = useRef(true);
  useLayoutEffect(() => {
    if (box.current && following && at_end.current) box.current.scrollTop = box.current.scrollHeight;
  }, [command.output, following]);
  return (
    <pre
      class="log command-output"
      ref={box}
      tabIndex={0}
      aria-label="Output"
      data-testid="command-output"
      onScroll={(event) => {
        const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
        at_end.current = scrollHeight - scrollTop - clientHeight < 24;
      }}
    >
      {command.output.map((piece, i) => (
        <span key={i} class={piece.stream === 'stderr' ? 'stderr' : ''}>{piece.text}</span>
      ))}
    </pre>
  );
}

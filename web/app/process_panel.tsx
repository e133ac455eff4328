// SPDX-License-Identifier: Apache-2.0
// The processes that were started through the API: what runs and how others ended, each with what
// it printed, as it prints it, and the ways to end it.

import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';

import { system_clock } from '../core/clock.ts';
import { command_line, signals, words_of_end, type ProcessInfo } from '../core/processes.ts';
import { ProcessLog } from '../core/process_log.ts';
import { duration_text } from '../core/supervision.ts';
import { when_text } from '../core/units.ts';
import { ask } from './ask.tsx';
import { copy_and_say } from './copy.ts';
import { IconButton } from './icon_button.tsx';
import { Icon } from './icons.tsx';
import { api, now_ms, say } from './model.ts';
import { process_list, processes, show_terminal } from './tools.ts';

const shown = 200;

export function ProcessPanel() {
  useEffect(() => processes.watch(), []);
  const { list, problem } = process_list.value;
  return (
    <section aria-label="Processes" data-testid="processes">
      {problem !== '' && <p class="panel-note" role="alert">{problem}</p>}
      {list?.length === 0 && <p class="empty">No process was started through the API yet.</p>}
      <ol>{list?.slice(0, shown).map((one) => <Row key={one.id + one.created_ms} process={one} />)}</ol>
      {(list?.length ?? 0) > shown && <p class="empty">{(list?.length ?? 0) - shown} older ones are not shown.</p>}
    </section>
  );
}

function tone(one: ProcessInfo): string {
  if (one.running) return 'busy';
  return one.exit_code === 0 ? 'good' : 'bad';
}

async function tell(done: Promise<string>, what: string): Promise<void> {
  const refused = await done;
  if (refused !== '') say(`${what}: ${refused}`, true);
}

async function kill(one: ProcessInfo, line: string): Promise<void> {
  const choice = await ask(`Kill ${line.slice(0, 80)}?`, 'It and all that it started end at once, without being asked.', [
    { value: 'kill', label: 'Kill', grave: true },
  ]);
  if (choice === 'kill') await tell(processes.kill(one.id), 'Not killed');
}

function Row({ process }: { readonly process: ProcessInfo }) {
  const open = useSignal(false);
  const line = command_line(process);
  const state = process.running ? 'running' : process.signal !== undefined ? words_of_end(undefined, process.signal).replace(/^Ended by |\.$/g, '') : `exit ${process.exit_code ?? '?'}`;
  const time = duration_text(Math.max((process.exited_ms ?? now_ms.value) - process.created_ms, 0));
  const details = `process-${process.id}-details`;
  return (
    <li class={`command-row tone-${tone(process)}`} data-testid={`process-${process.id}`} data-running={process.running}>
      <div class="node-row">
        <button type="button" class="node-main" aria-expanded={open.value} aria-controls={details} onClick={() => { open.value = !open.value; }}>
          <span class={`twist${open.value ? ' open' : ''}`}><Icon name="chevron" /></span>
          <span class="command-text">
            <span class="command-type">{process.id}{process.tty ? ', terminal' : ''}</span>
            <span class="mono command-summary">{line}</span>
          </span>
          <span class="command-time">{time}</span>
          <span class={`state tone-${tone(process)}`} data-testid="process-state">{state}</span>
        </button>
        {process.running && <IconButton icon="stop" label={`Stop ${line}`.slice(0, 120)} test="process-stop" act={() => void tell(processes.stop(process.id), 'Not stopped')} />}
      </div>
      <div id={details} hidden={!open.value}>{open.value && <Details process={process} line={line} />}</div>
    </li>
  );
}

function Details({ process, line }: { readonly process: ProcessInfo; readonly line: string }) {
  const facts: [string, string][] = [['since', when_text(process.created_ms, now_ms.value)]];
  if (process.pid > 0) facts.push(['pid', String(process.pid)]);
  if (process.cwd !== '') facts.push(['in', process.cwd]);
  if (process.owner !== '' && process.owner !== 'user') facts.push(['owner', process.owner]);
  if (process.tags.length > 0) facts.push(['tags', process.tags.join(', ')]);
  return (
    <div class="node-details command-details">
      <dl>{facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd class="mono">{value}</dd></div>)}</dl>
      <p class="row process-acts">
        {process.tty && <button type="button" class="choice" data-testid="process-terminal" onClick={() => show_terminal(process)}>Terminal</button>}
        {process.running && <Signals process={process} />}
        {process.running && <button type="button" class="choice grave" data-testid="process-kill" onClick={() => void kill(process, line)}>Kill</button>}
        {!process.running && (
          <button type="button" class="choice" data-testid="process-remove" onClick={() => void tell(processes.remove(process.id), 'Not removed')}>
            Remove from the list
          </button>
        )}
      </p>
      <Log id={process.id} />
    </div>
  );
}

function Signals({ process }: { readonly process: ProcessInfo }) {
  const chosen = useSignal<string>('INT');
  return (
    <span class="signal-choice">
      <select aria-label="Signal" data-testid="process-signal" value={chosen.value} onChange={(event) => { chosen.value = event.currentTarget.value; }}>
        {signals.map((name) => <option key={name} value={name}>SIG{name}</option>)}
      </select>
      <button type="button" class="choice" data-testid="process-send" onClick={() => void tell(processes.signal(process.id, chosen.value), 'Not sent')}>Send</button>
    </span>
  );
}

/** Stays at its end while it grows, unless the person has scrolled up. */
function Log({ id }: { readonly id: string }) {
  const state = useSignal<ProcessLog['state'] extends { get(): infer S } ? S : never>({ pieces: [], dropped: 0, ended: '', problem: '' });
  const box = useRef<HTMLPreElement>(null);
  const at_end = useRef(true);
  useEffect(() => {
    const log = new ProcessLog(api, system_clock, id);
    const end = log.state.subscribe((now) => { state.value = now; });
    return () => {
      end();
      log.stop();
    };
  }, [id]);
  const { pieces, dropped, ended, problem } = state.value;
  useLayoutEffect(() => {
    if (box.current && at_end.current) box.current.scrollTop = box.current.scrollHeight;
  }, [pieces]);
  return (
    <>
      {dropped > 0 && <p class="muted">{dropped} characters before are not shown.</p>}
      {problem !== '' && <p class="panel-note" role="status">{problem}</p>}
      {pieces.length === 0 ? <p class="muted">{ended === '' ? 'Nothing was printed so far.' : 'Nothing was printed.'}</p> : (
        <pre
          class="log command-output"
          ref={box}
          tabIndex={0}
          aria-label="Output"
          data-testid="process-log"
          onScroll={(event) => {
            const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
            at_end.current = scrollHeight - scrollTop - clientHeight < 24;
          }}
        >
          {pieces.map((piece) => <span key={piece.key} class={piece.stream === 'stderr' ? 'stderr' : ''}>{piece.text}</span>)}
        </pre>
      )}
      {ended !== '' && <p class="muted" data-testid="process-ended">{ended}</p>}
      {pieces.length > 0 && (
        <p class="command-buttons">
          <button type="button" class="link" onClick={() => void copy_and_say(pieces.map((piece) => piece.text).join(''), 'Output')}>
            <Icon name="copy" /> Copy output
          </button>
        </p>
      )}
    </>
  );
}

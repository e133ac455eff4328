// SPDX-License-Identifier: Apache-2.0
// The desktop's clipboard: followed, read, changed and written by hand, with or without driving.
// HTML is shown as what it is, a text; pictures as pictures. What a person is writing is never
// replaced by what the desktop copies meanwhile.

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

import { words_of_problem } from '../core/api.ts';
import { copy_and_say, pasted_text } from './copy.ts';
import { Icon } from './icons.tsx';
import { api, say, session } from './model.ts';
import { clipboard_changes } from './tools.ts';

type Selection = 'clipboard' | 'primary';

const most_shown = 200_000; // characters of HTML

function strings_of(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}

/** The HTML of the clipboard as its source. */
function HtmlSource({ address }: { readonly address: string }) {
  const source = useSignal('');
  useEffect(() => {
    let wanted = true;
    void api.raw(address, { signal: AbortSignal.timeout(10_000) }).then(async (answer) => {
      const text = answer.ok ? await answer.value.text().catch(() => '') : '';
      if (wanted) source.value = text.slice(0, most_shown);
    });
    return () => {
      wanted = false;
    };
  }, [address]);
  return <pre class="clip-source" data-testid="clip-html" tabIndex={0} aria-label="HTML of the clipboard">{source.value}</pre>;
}

export function ClipboardPanel() {
  const selection = useSignal<Selection>('clipboard');
  const words = useSignal('');
  const types = useSignal<readonly string[]>([]);
  const problem = useSignal('');
  const busy = useSignal(false);
  const changed = useSignal(false); // by the person, and not written yet
  const strokes = useRef(0); // the person's changes so far
  const stale = useSignal(false); // the desktop copied meanwhile
  const turn = useSignal(0); // of the pictures' addresses
  const latest = useRef(0);
  const written = useRef<string | undefined>(undefined); // the last that the person set on the desktop
  /** `followed`: the desktop copied; what the person wrote stays. */
  const read = async (followed = false) => {
    const number = ++latest.current;
    const before = strokes.current;
    busy.value = true;
    const [answer, forms] = await Promise.all([
      api.get<{ text?: string }>(`/v1/desktop/clipboard?selection=${selection.value}`),
      api.get<{ types?: unknown }>(`/v1/desktop/clipboard/types?selection=${selection.value}`),
    ]);
    if (number !== latest.current) return; // another one was asked for
    busy.value = false;
    types.value = forms.ok ? strings_of(forms.value?.types) : [];
    turn.value += 1;
    if (answer.ok) {
      const text = answer.value?.text ?? '';
      const kept = changed.value && (followed || strokes.current !== before);
      stale.value = kept && followed && text !== words.value && text !== written.current;
      if (!kept) {
        words.value = text;
        changed.value = false;
      }
    } else if (answer.problem.status === 401) {
      session.expired('The session has ended.');
    }
    problem.value = answer.ok ? '' : words_of_problem(answer.problem);
  };
  const changed_to = (text: string) => {
    words.value = text;
    changed.value = true;
    strokes.current += 1;
  };
  const write = async () => {
    busy.value = true;
    const before = strokes.current;
    written.current = words.value;
    const answer = await api.post('/v1/desktop/clipboard', { text: words.value, selection: selection.value });
    busy.value = false;
    problem.value = answer.ok ? '' : words_of_problem(answer.problem);
    if (!answer.ok) return;
    const overtaken = stale.value; // somebody else set it before this answer was here
    changed.value = strokes.current !== before; // while it was written
    stale.value = false;
    say('The desktop’s clipboard was set.');
    if (overtaken && !changed.value) void read(true);
  };
  const paste = async () => {
    const text = await pasted_text();
    if (text === undefined) {
      say('The browser does not let the page read its clipboard. Paste into the field instead.', true);
    } else {
      changed_to(text);
    }
  };
  useEffect(() => { void read(); }, [selection.value]);
  const heard = clipboard_changes.value[selection.value] ?? 0;
  const first = useRef(true);
  useEffect(() => {
    if (!first.current) void read(true);
    first.current = false;
  }, [heard]);
  const address = (format: string) => `/v1/desktop/clipboard?selection=${selection.value}&format=${format}&turn=${turn.value}`;
  const pictured = types.value.some((type) => ['image/png', 'image/jpeg', 'image/webp', 'image/gif', 'image/bmp'].includes(type));
  return (
    <section class="clipboard-panel" aria-label="Clipboard" data-testid="clipboard-panel">
      <label class="row">
        Of the desktop
        <select data-testid="clip-selection" value={selection.value} onChange={(event) => { selection.value = event.currentTarget.value as Selection; }}>
          <option value="clipboard">Clipboard</option>
          <option value="primary">Selected text</option>
        </select>
      </label>
      {problem.value !== '' && <p class="panel-note" role="alert" data-testid="clip-problem">{problem.value}</p>}
      {stale.value && <p class="panel-note" role="status" data-testid="clip-stale">Something else was copied on the desktop meanwhile.</p>}
      <textarea
        class="clipboard"
        rows={9}
        aria-label="Text of the clipboard"
        data-testid="clip-text"
        spellcheck={false}
        value={words.value}
        onInput={(event) => changed_to(event.currentTarget.value)}
      />
      <div class="row">
        <button type="button" class="button" data-testid="clip-read" disabled={busy.value} onClick={() => void read()}><Icon name="restart" /> Read</button>
        <button type="button" class="button primary" data-testid="clip-write" disabled={busy.value} onClick={() => void write()}>Set on the desktop</button>
      </div>
      <div class="row">
        <button type="button" class="link" data-testid="clip-copy" disabled={words.value === ''} onClick={() => void copy_and_say(words.value, 'Text')}>Copy to this computer</button>
        <button type="button" class="link" data-testid="clip-paste" onClick={() => void paste()}>Paste from this computer</button>
      </div>
      {pictured && <img class="clip-image" data-testid="clip-image" alt="Picture on the clipboard" src={address('image')} />}
      {types.value.includes('text/html') && <HtmlSource address={address('html')} />}
      {types.value.length > 0 && <p class="clip-types" data-testid="clip-types">On the clipboard: {types.value.join(', ')}</p>}
    </section>
  );
}

// SPDX-License-Identifier: Apache-2.0
// The desktop's clipboard: read, changed and written by hand, with or without driving.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

import { words_of_problem } from '../core/api.ts';
import { copy_and_say, pasted_text } from './copy.ts';
import { Icon } from './icons.tsx';
import { api, say, session } from './model.ts';

type Selection = 'clipboard' | 'primary';

export function ClipboardPanel() {
  const selection = useSignal<Selection>('clipboard');
  const words = useSignal('');
  const problem = useSignal('');
  const busy = useSignal(false);
  const read = async () => {
    busy.value = true;
    const answer = await api.get<{ text?: string }>(`/v1/desktop/clipboard?selection=${selection.value}`);
    busy.value = false;
    if (answer.ok) words.value = answer.value?.text ?? '';
    else if (answer.problem.status === 401) session.expired('The session has ended.');
    problem.value = answer.ok ? '' : words_of_problem(answer.problem);
  };
  const write = async () => {
    busy.value = true;
    const answer = await api.post('/v1/desktop/clipboard', { text: words.value, selection: selection.value });
    busy.value = false;
    problem.value = answer.ok ? '' : words_of_problem(answer.problem);
    if (answer.ok) say('The desktop’s clipboard was set.');
  };
  const paste = async () => {
    const text = await pasted_text();
    if (text === undefined) say('The browser does not let the page read its clipboard. Paste into the field instead.', true);
    else words.value = text;
  };
  useEffect(() => { void read(); }, [selection.value]);
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
      <textarea
        class="clipboard"
        rows={9}
        aria-label="Text of the clipboard"
        data-testid="clip-text"
        spellcheck={false}
        value={words.value}
        onInput={(event) => { words.value = event.currentTarget.value; }}
      />
      <div class="row">
        <button type="button" class="button" data-testid="clip-read" disabled={busy.value} onClick={() => void read()}><Icon name="restart" /> Read</button>
        <button type="button" class="button primary" data-testid="clip-write" disabled={busy.value} onClick={() => void write()}>Set on the desktop</button>
      </div>
      <div class="row">
        <button type="button" class="link" data-testid="clip-copy" disabled={words.value === ''} onClick={() => void copy_and_say(words.value, 'Text')}>Copy to this computer</button>
        <button type="button" class="link" data-testid="clip-paste" onClick={() => void paste()}>Paste from this computer</button>
      </div>
    </section>
  );
}

// SPDX-License-Identifier: Apache-2.0
// Questions that must be answered before something is done: a choice, or a name. One at a time, as
// a modal dialog of the browser's own: it keeps the focus, and Escape is “no”.

import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

export interface Choice {
  readonly value: string;
  readonly label: string;
  /** Cannot be undone. */
  readonly grave?: boolean;
}

interface Question {
  readonly title: string;
  readonly text: string;
  readonly choices: readonly Choice[];
  /** Asks for a text that begins with this; the first choice takes it. */
  readonly field?: { readonly label: string; readonly value: string } | undefined;
  readonly answer: (choice: string, text: string) => void;
}

const question = signal<Question | undefined>(undefined);

/** The value of the choice; empty when the person turned away. */
export function ask(title: string, text: string, choices: readonly Choice[]): Promise<string> {
  question.peek()?.answer('', '');
  return new Promise((done) => {
    question.value = { title, text, choices, answer: (choice) => done(choice) };
  });
}

/** The text, trimmed; undefined when the person turned away. */
export function ask_text(title: string, label: string, value: string, act: string): Promise<string | undefined> {
  question.peek()?.answer('', '');
  return new Promise((done) => {
    question.value = {
      title, text: '', choices: [{ value: 'yes', label: act }], field: { label, value },
      answer: (choice, given) => done(choice === 'yes' ? given.trim() : undefined),
    };
  });
}

export function AskDialog() {
  const now = question.value;
  return now ? <Dialog key={now.title + now.text} question={now} /> : null;
}

function Dialog({ question: { title, text, choices, field, answer } }: { readonly question: Question }) {
  const box = useRef<HTMLDialogElement>(null);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    box.current?.showModal();
    if (field) {
      const stem = field.value.lastIndexOf('.');
      input.current?.focus();
      input.current?.setSelectionRange(0, stem > 0 ? stem : field.value.length);
    }
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  const end = (choice: string) => {
    const given = input.current?.value ?? '';
    question.value = undefined;
    answer(choice, given);
  };
  return (
    <dialog
      ref={box}
      class="ask-dialog"
      aria-labelledby="ask-title"
      data-testid="ask-dialog"
      onCancel={(event) => { event.preventDefault(); end(''); }}
    >
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault();
          end(choices[0]?.value ?? '');
        }}
      >
        <h2 id="ask-title">{title}</h2>
        {text !== '' && <p class="muted">{text}</p>}
        {field && (
          <label>
            {field.label}
            <input ref={input} type="text" autocomplete="off" spellcheck={false} data-testid="ask-text" defaultValue={field.value} />
          </label>
        )}
        <div class="row">
          {choices.map((choice, i) => (
            <button
              type={i === 0 && field ? 'submit' : 'button'}
              class={`button${choice.grave ? ' grave' : i === 0 ? ' primary' : ''}`}
              key={choice.value}
              data-testid={`ask-${choice.value}`}
              onClick={i === 0 && field ? undefined : () => end(choice.value)}
            >
              {choice.label}
            </button>
          ))}
          <button type="button" class="button" data-testid="ask-cancel" onClick={() => end('')}>Cancel</button>
        </div>
      </form>
    </dialog>
  );
}

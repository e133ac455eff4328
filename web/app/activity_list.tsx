// SPDX-License-Identifier: Apache-2.0
// What happened, newest first. Kinds that this page does not know are shown plainly.

import { label_of, tone_of, words_of_death, words_of_state, type ActivityEvent } from '../core/supervision.ts';
import { follow } from './model.ts';

const shown = 200;

function sentence_of(event: ActivityEvent): { title: string; detail: string; tone: string } {
  const { change, data } = event;
  if (change) {
    const detail = change.death && !change.death.expected ? words_of_death(change.death) : change.reason;
    return { title: `${label_of(change.id)} ${words_of_state(change.to)}`, detail, tone: tone_of(change.to) };
  }
  const plain = Object.entries(data)
    .filter(([, value]) => value !== null && typeof value !== 'object' && value !== '')
    .map(([key, value]) => `${key} ${String(value)}`)
    .join(', ');
  if (event.kind === 'control') {
    const name = typeof data.name === 'string' && data.name !== '' ? data.name : String(data.kind ?? '');
    const title = data.kind === 'none' ? 'Nobody drives' : `${name === 'agent' ? 'The agent' : name} drives${data.taken === true ? ' alone' : ''}`;
    return { title, detail: '', tone: 'info' };
  }
  if (event.kind === 'clipboard') {
    const who = data.by === 'agent' || data.by === 'person' ? String(data.name || `The ${data.by}`) : data.by === 'nobody' ? 'Nobody' : String(data.app || 'A program');
    const what = Array.isArray(data.types) ? data.types.join(', ') : '';
    const title = data.by === 'nobody' ? 'The clipboard is empty' : `${who} ${data.selection === 'primary' ? 'selected' : 'copied'} something`;
    return { title, detail: what.slice(0, 300), tone: 'info' };
  }
  return { title: event.kind, detail: plain.slice(0, 300), tone: 'info' };
}

export function ActivityList() {
  const events = follow.value.events.slice(-shown).reverse();
  if (events.length === 0) return <p class="empty">Nothing has happened yet.</p>;
  return (
    <ol class="activity" data-testid="activity">
      {events.map((event) => {
        const { title, detail, tone } = sentence_of(event);
        const at = new Date(event.ts);
        return (
          <li key={event.seq} class={`event tone-${tone}`}>
            <span class="event-dot" aria-hidden="true" />
            <p>
              {title}
              {detail !== '' && <span class="muted">{detail}</span>}
            </p>
            {!Number.isNaN(at.valueOf()) && <time dateTime={event.ts}>{at.toLocaleTimeString()}</time>}
          </li>
        );
      })}
    </ol>
  );
}

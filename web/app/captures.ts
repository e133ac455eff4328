// SPDX-License-Identifier: Apache-2.0
// Screenshots that were taken on this page, and the recordings. The pictures are the page's own:
// they are gone with it unless they are downloaded.

import { signal } from '@preact/signals';

import { words_of_problem } from '../core/api.ts';
import { system_clock } from '../core/clock.ts';
import { Recordings } from '../core/recordings.ts';
import { api, mirror, say, session } from './model.ts';

export interface Shot {
  readonly key: number;
  readonly title: string;
  readonly file_name: string;
  readonly url: string;
  readonly bytes: number;
  readonly taken_ms: number;
}

const most_shots = 24;

export const shots = signal<readonly Shot[]>([]);
export const shooting = signal(false);
export const recordings = new Recordings(api, system_clock, () => session.expired('The session has ended.'));
export const recording_list = mirror(recordings.state);

let made = 0;

/** Of the whole desktop, or of one window. */
export async function take_screenshot(window?: { readonly id: string; readonly title: string }): Promise<void> {
  if (shooting.value) return;
  shooting.value = true;
  const where = window ? `&window=${encodeURIComponent(window.id)}` : '&showCursor=true';
  const answer = await api.raw(`/v1/desktop/screenshot?format=png${where}`, { signal: AbortSignal.timeout(20_000) });
  const blob = answer.ok ? await answer.value.blob().catch(() => undefined) : undefined;
  shooting.value = false;
  if (!answer.ok || !blob) {
    if (!answer.ok && answer.problem.status === 401) session.expired('The session has ended.');
    else say(`No screenshot: ${answer.ok ? 'the connection was lost.' : words_of_problem(answer.problem)}`, true);
    return;
  }
  made += 1;
  const now = new Date();
  const stamp = now.toISOString().slice(0, 19).replaceAll(':', '-');
  const shot: Shot = {
    key: made, title: window?.title || 'Desktop', file_name: `holt-${stamp}-${made}.png`, url: URL.createObjectURL(blob), bytes: blob.size,
    taken_ms: now.valueOf(),
  };
  const all = [shot, ...shots.value];
  for (const old of all.slice(most_shots)) URL.revokeObjectURL(old.url);
  shots.value = all.slice(0, most_shots);
  if (window) say('Screenshot taken: it is among the captures.');
}

export function drop_shot(key: number): void {
  for (const shot of shots.value) if (shot.key === key) URL.revokeObjectURL(shot.url);
  shots.value = shots.value.filter((shot) => shot.key !== key);
}

export function drop_shots(): void {
  for (const shot of shots.peek()) URL.revokeObjectURL(shot.url);
  shots.value = [];
}

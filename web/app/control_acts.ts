// SPDX-License-Identifier: Apache-2.0
// What a person tells the agent about driving: pause, go on, and take back over with a note.

import { words_of_problem } from '../core/api.ts';
import { ask_text } from './ask.tsx';
import { api, say, session, stage_hooks } from './model.ts';

async function call(verb: string, body: object, done: string): Promise<void> {
  const answer = await api.post(`/v1/control/${verb}`, body);
  if (answer.ok) say(done);
  else if (answer.problem.status === 401) session.expired('The session has ended.');
  else say(words_of_problem(answer.problem), true);
}

export function pause_agent(): Promise<void> {
  return call('pause', {}, 'The agent is paused.');
}

export function resume_agent(): Promise<void> {
  return call('resume', {}, 'The agent may go on.');
}

/** Keys and buttons are let go first, while that can still be said. */
export async function hand_back(): Promise<void> {
  const note = await ask_text('Hand back to the agent', 'A note for the agent, if you like', '', 'Hand back');
  if (note === undefined) return;
  stage_hooks.release_input();
  await call('give', note === '' ? { to: 'agent' } : { to: 'agent', note: note.slice(0, 300) }, 'The agent drives now.');
}

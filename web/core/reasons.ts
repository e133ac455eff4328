// SPDX-License-Identifier: Apache-2.0
// Every state in words. A code that is not listed keeps its own text: never a blank reason.

export interface Words {
  readonly title: string;
  readonly detail: string;
}

/** What follows from a WebSocket close code. */
export type AfterClose = 'retry' | 'retry_soon' | 'sign_in' | 'stopped';

interface CloseMeaning extends Words {
  readonly then: AfterClose;
}

const closes: Readonly<Record<number, CloseMeaning>> = {
  1000: { title: 'The connection was closed', detail: '', then: 'retry' },
  1001: { title: 'Holt is stopping', detail: 'It may come back by itself.', then: 'retry' },
  1006: { title: 'The connection was lost', detail: '', then: 'retry' },
  1008: { title: 'The daemon refused this connection', detail: '', then: 'retry' },
  1009: { title: 'A message was too large', detail: '', then: 'retry' },
  1011: { title: 'The daemon met an error', detail: '', then: 'retry' },
  1012: { title: 'The stream engine is restarting', detail: '', then: 'retry_soon' },
  1013: {
    title: 'This connection is too slow',
    detail: 'Messages piled up and the daemon let go of it.',
    then: 'retry',
  },
  4401: { title: 'Sign in again', detail: 'The session has ended.', then: 'sign_in' },
  4403: { title: 'Not allowed', detail: 'This sign-in may not watch the desktop.', then: 'sign_in' },
  4409: { title: 'The desktop is stopped', detail: 'Nothing is streamed until it is started.', then: 'stopped' },
  4421: { title: 'This address is not allowed', detail: 'The daemon does not know this host name.', then: 'retry' },
  4429: { title: 'Too many connections', detail: '', then: 'retry' },
  4502: { title: 'The stream engine has no picture', detail: '', then: 'retry' },
  4503: { title: 'No path for video between this browser and the engine', detail: '', then: 'retry' },
  4504: { title: 'The stream engine gave no answer', detail: '', then: 'retry' },
};

export function meaning_of_close(code: number, reason: string): CloseMeaning {
  const known = closes[code];
  if (known) return reason === '' ? known : { ...known, detail: sentence(reason) };
  return { title: 'The connection was closed', detail: reason === '' ? `Close code ${code}.` : sentence(reason), then: 'retry' };
}

const errors: Readonly<Record<string, Words>> = {
  engine_no_answer: {
    title: 'The stream engine gave no answer',
    detail: 'It runs, but it never offered a stream.',
  },
  stream_pipeline: {
    title: 'The stream engine cannot capture the screen',
    detail: 'Its media pipeline failed.',
  },
  stream_ice: {
    title: 'No path for video between this browser and the engine',
    detail: 'Signaling works; the media addresses are not reachable.',
  },
  engine_unavailable: { title: 'The stream engine is not ready', detail: '' },
  control_held: { title: 'Somebody else holds control', detail: '' },
  forbidden: { title: 'Not allowed', detail: 'This sign-in may only watch.' },
  conflict: { title: 'Not possible now', detail: '' },
  unprocessable: { title: 'Not understood', detail: '' },
};

export function words_of_error(code: string, detail: string): Words {
  const known = errors[code];
  if (!known) return { title: detail === '' ? `Error ${code}` : sentence(detail), detail: '' };
  return detail === '' ? known : { title: known.title, detail: sentence(detail) };
}

/** First letter upper case, one full stop at the end. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed === '') return '';
  const start = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?…]$/.test(start) ? start : `${start}.`;
}

// SPDX-License-Identifier: Apache-2.0

// What an unmodified client of Supabase Realtime sees of replays and of the broker's limits:
//   limits.mjs KIND URL APP_KEY    KIND: realtime | realtime-v1
// Prints one JSON line of what was seen. Every wait has a limit.

import WebSocket from 'ws';
import { RealtimeClient } from '@supabase/realtime-js';
import { within } from './within.mjs';

const [kind, url, key] = process.argv.slice(2);
const seen = {};

function client() {
  const options = { params: { apikey: key }, transport: WebSocket };
  if (kind === 'realtime-v1') options.vsn = '1.0.0';
  const out = new RealtimeClient(`${url}/realtime/v1`.replace('http', 'ws'), options);
  out.connect();
  return out;
}

/** Subscribes, and answers the states that the channel goes through. */
function open(channel) {
  const states = [];
  const waiting = [];
  const until = (what, fits) => within(what, new Promise(done => {
    const check = () => states.some(fits) && done();
    waiting.push(check);
    check();
  }));
  channel.subscribe((status, error) => {
    states.push(error ? `${status}: ${error.message ?? error}` : status);
    for (const check of waiting) check();
  });
  return { states, until };
}

async function replay() {
  const speaker = client();
  const config = { private: true, broadcast: { ack: true } };
  const a = speaker.channel('room:past', { config });
  await open(a).until('join', s => s === 'SUBSCRIBED');
  const began = Date.now() - 60_000;
  for (let n = 0; n < 5; ++n)
    if (await within('ack', a.send({ type: 'broadcast', event: 'e', payload: { n } })) !== 'ok') throw new Error('no ack');
  const listener = client();
  const heard = [];
  const b = listener.channel('room:past', { config: { ...config, broadcast: { ...config.broadcast, replay: { since: began, limit: 3 } } } });
  let all;
  const enough = new Promise(done => { all = done; });
  b.on('broadcast', { event: 'e' }, m => { heard.push(m); if (heard.length === 4) all(); });
  await open(b).until('join with replay', s => s === 'SUBSCRIBED');
  await within('ack', a.send({ type: 'broadcast', event: 'e', payload: { n: 5 } }));
  await within('what was said before', enough);
  seen.replayed = heard.map(m => [m.payload.n, m.meta?.replayed === true, typeof m.meta?.id]);
  speaker.disconnect();
  listener.disconnect();
}

async function presence() {
  const one = client();
  const channel = one.channel('room:here', { config: { presence: { enabled: true, key: 'me' } } });
  const opened = open(channel);
  channel.on('system', {}, what => { seen.presence_reason = what.message; });
  await opened.until('join', s => s === 'SUBSCRIBED');
  seen.tracked = [];
  for (let n = 0; n < 5; ++n) seen.tracked.push(await within('track', channel.track({ n })));
  channel.track({ n: 5 }).catch(() => {});
  await opened.until('the end of the channel', s => s === 'CLOSED');
  one.disconnect();
}

/** Channels are joined and left without end, as a component does that is rendered in a loop. */
async function joins() {
  const one = client();
  seen.joined = 0;
  for (let n = 0; n < 200 && !seen.join_error; ++n) {
    const channel = one.channel(`room:loop${n}`);
    const opened = open(channel);
    await opened.until('an answer', s => s === 'SUBSCRIBED' || s.startsWith('CHANNEL_ERROR'));
    const error = opened.states.find(s => s.startsWith('CHANNEL_ERROR'));
    if (error) seen.join_error = error;
    else {
      ++seen.joined;
      await within('leave', channel.unsubscribe());
    }
  }
  // It may come back: the limit is no ban.
  const last = one.channel('room:back');
  await open(last).until('a join after the refusal', s => s === 'SUBSCRIBED');
  seen.back = true;
  one.disconnect();
}

process.on('unhandledRejection', () => {});
try {
  await replay();
  await presence();
  await joins();
} catch (error) {
  seen.error = String(error.stack ?? error);
}
process.stdout.write(JSON.stringify(seen) + '\n', () => process.exit(seen.error ? 1 : 0));

// SPDX-License-Identifier: Apache-2.0

// One journey through the broker with an unmodified client:
//   journey.mjs KIND URL AGENT_KEY APP_KEY    KIND: realtime | realtime-v1 | old | phoenix
// Prints `want restart` when the broker is to close all sockets, and at the end one JSON line of
// what was seen. Every wait has a limit; the first that is missed ends the journey with its name.

import WebSocket from 'ws';
import { within } from './within.mjs';

const [kind, url, agentKey, appKey] = process.argv.slice(2);
const seen = {};

/** Values that come, and waits for one that fits. */
class Mail {
  all = [];
  #waiting = [];
  put(value) {
    this.all.push(value);
    this.#waiting = this.#waiting.filter(w => !(w.fits(value) && (w.got(value), true)));
  }
  get(what, fits = () => true) {
    const have = this.all.find(fits);
    if (have !== undefined) return Promise.resolve(have);
    return within(what, new Promise(got => this.#waiting.push({ fits, got })));
  }
}

/** The same few verbs over each client. */
async function clients() {
  if (kind === 'phoenix') {
    const { Socket } = await import('phoenix');
    return key => {
      const socket = new Socket(`${url.replace('http', 'ws')}/socket`, { params: { apikey: key }, transport: WebSocket });
      socket.connect();
      return {
        open(topic, config, mail) {
          const channel = socket.channel(`realtime:${topic}`, { config });
          const states = new Mail();
          channel.on('broadcast', p => mail.put(p));
          channel.on('presence_state', p => states.put({ state: p }));
          channel.on('presence_diff', p => states.put({ diff: p }));
          const joined = new Mail();
          channel.join().receive('ok', () => joined.put('SUBSCRIBED')).receive('error', e => joined.put(e));
          return {
            joined, states,
            send: (event, payload) => new Promise(done => channel.push('broadcast', { type: 'broadcast', event, payload })
              .receive('ok', () => done('ok')).receive('error', () => done('error')).receive('timeout', () => done('timeout'))),
            track: payload => new Promise(done => channel.push('presence', { type: 'presence', event: 'track', payload }).receive('ok', () => done('ok'))),
            leave: () => new Promise(done => channel.leave().receive('ok', () => done('ok'))),
          };
        },
        end: () => socket.disconnect(),
      };
    };
  }
  const { RealtimeClient } = await import(kind === 'old' ? 'realtime-js-v1' : '@supabase/realtime-js');
  return key => {
    const options = { params: { apikey: key }, transport: WebSocket };
    if (kind === 'realtime-v1') options.vsn = '1.0.0';
    const client = new RealtimeClient(`${url}/realtime/v1`.replace('http', 'ws'), options);
    client.connect();
    return {
      open(topic, config, mail) {
        const channel = client.channel(topic, { config });
        const joined = new Mail();
        const states = new Mail();
        channel.on('broadcast', { event: '*' }, p => mail.put(p));
        channel.on('presence', { event: 'sync' }, () => states.put({ state: channel.presenceState() }));
        channel.subscribe((status, error) => joined.put(error ? String(error) : status));
        return {
          joined, states, channel,
          send: (event, payload) => channel.send({ type: 'broadcast', event, payload }),
          track: payload => channel.track(payload),
          leave: () => channel.unsubscribe(),
        };
      },
      end: () => client.disconnect(),
    };
  };
}

async function journey() {
  const make = await clients();
  const agent = make(agentKey);
  const heard = new Mail();
  const config = { broadcast: { ack: true, self: false }, presence: { enabled: true, key: 'agent-1' }, private: true };
  const room = agent.open('sandbox:s1', config, heard);
  seen.joined = await room.joined.get('join of the sandbox');
  const state = await room.states.get('who is present', v => JSON.stringify(v).includes('sbx-1'));
  seen.sandbox_present = JSON.stringify(state).includes('"b1"');
  seen.ack = await within('ack', room.send('cmd', { type: 'fs.read', id: 'req_1', path: '/a' }));
  seen.result = (await heard.get('result', m => m.event === 'result' && m.payload.id === 'req_1')).payload;
  seen.tracked = await within('track', room.track({ role: 'agent', n: 1 }));
  await within('re-track', room.track({ role: 'agent', n: 2 }));
  await room.states.get('itself twice', v => JSON.stringify(v).includes('"n":2'));

  const app = make(appKey);
  const refused = app.open('sandbox:s1', config, new Mail());
  seen.refused = JSON.stringify(await refused.joined.get('refusal', v => v !== 'SUBSCRIBED'));
  const a = app.open('room:1', { broadcast: { ack: false, self: true } }, new Mail());
  const other = make(appKey);
  const mail = new Mail();
  const b = other.open('room:1', {}, mail);
  await a.joined.get('join a', v => v === 'SUBSCRIBED');
  await b.joined.get('join b', v => v === 'SUBSCRIBED');
  a.send('greet', { text: 'é', list: [1, null] });
  seen.greet = (await mail.get('greeting')).payload;
  if (kind === 'realtime') {
    a.channel.send({ type: 'broadcast', event: 'bytes', payload: new Uint8Array([222, 173]).buffer });
    const got = (await mail.get('bytes', m => m.event === 'bytes')).payload;
    seen.bytes = [...new Uint8Array(got)];
  }
  if (kind === 'realtime' || kind === 'realtime-v1') {
    seen.http = (await within('http', b.channel.httpSend('posted', { by: 'http' }))).success;
    seen.posted = (await mail.get('posted', m => m.event === 'posted')).payload;
  }
  seen.left = await within('leave', b.leave());

  // The broker restarts: everybody comes back alone.
  heard.all.length = 0;
  process.stdout.write('want restart\n');
  for (let n = 0; ; ++n) { // a command until one is answered: what is sent meanwhile may be lost
    if (n === 300) throw new Error('not in time: an answer after the restart');
    room.send('cmd', { type: 'fs.read', id: `again_${n}` }).catch(() => {});
    const got = await Promise.race([
      heard.get('answer', m => m.event === 'result' && String(m.payload.id).startsWith('again')).then(() => true, () => false),
      new Promise(done => setTimeout(() => done(false), 100)),
    ]);
    if (got) break;
  }
  seen.back = true;
  for (const one of [agent, app, other]) one.end();
}

process.on('unhandledRejection', () => {});
try {
  await journey();
} catch (error) {
  seen.error = String(error.stack ?? error);
}
process.stdout.write(JSON.stringify(seen) + '\n', () => process.exit(seen.error ? 1 : 0));

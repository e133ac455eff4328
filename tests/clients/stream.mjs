// SPDX-License-Identifier: Apache-2.0

// Every stream method of the unmodified sandbox-agent client against a daemon with a desktop, up to
// the offer: what comes after it needs a browser (tests/browser/clients.test.mjs).
//   stream.mjs URL TOKEN
// Prints one JSON line of what was seen.

import WebSocket from 'ws';
import { travel, within } from './lib.mjs';

// The client takes its peer connection from here: this one tells what it was given.
const peers = [];
globalThis.RTCPeerConnection = class {
  constructor(config) {
    this.config = config;
    this.candidates = [];
    peers.push(this);
  }
  async setRemoteDescription(offer) { this.offer = offer; }
  async addIceCandidate(candidate) { this.candidates.push(candidate); }
  createAnswer() { return new Promise(() => {}); }
  close() {}
};

await travel(/Stream/, async (client, seen) => {
  seen.stopped = (await client.stopDesktopStream()).active;
  seen.stopped_again = (await client.stopDesktopStream()).active;
  seen.status_stopped = (await client.getDesktopStreamStatus()).active;
  seen.started = await client.startDesktopStream();
  seen.started_again = (await client.startDesktopStream()).active;
  seen.status = await client.getDesktopStreamStatus();
  seen.url = new URL(client.buildDesktopStreamWebSocketUrl()).pathname;

  const session = client.connectDesktopStream({ WebSocket });
  const errors = [];
  session.onError(e => errors.push(String(e.message ?? e)));
  seen.ready = await within('ready', new Promise(done => session.onReady(done)));
  await within('an offer', (async () => {
    while (!peers[0]?.offer) await new Promise(done => setTimeout(done, 20));
  })());
  const { config, offer } = peers[0];
  seen.ice = config.iceServers.map(s => s.urls).flat();
  seen.offer = ['m=video', 'm=audio', 'm=application'].filter(line => offer.sdp.includes(line));
  seen.errors = errors;
  session.close();
  await within('the session closes', session.closed);

  const raw = client.connectDesktopStreamWebSocket({ WebSocket });
  seen.raw = await within('the first word', new Promise((done, no) => {
    raw.on('error', no);
    raw.on('message', data => {
      const { event } = JSON.parse(data);
      if (event === 'system/init') done(event);
    });
  }));
  raw.close();
  const wrong = client.connectDesktopStream({ WebSocket, accessToken: 'wrong' });
  seen.wrong_token = await within('a wrong token is refused', new Promise(done => wrong.onError(e => done(String(e.message ?? e)))));
});

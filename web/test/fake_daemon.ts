// SPDX-License-Identifier: Apache-2.0
// A stand-in for the daemon: serves the built page under its content policy, answers the routes
// that the page uses, and passes signaling between pages and the engine tab. For development
// (`npm run fake`) and for the page's own browser tests; knows nothing of the real daemon's code.

import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

import { FakeSocket } from './fake_ws.ts';

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self' ws: wss:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml',
};

interface FakeNode {
  id: string; kind: string; state: string; restart: string; dependsOn: string[]; generation: number; restarts: number;
  budget: { used: number; limit: number }; optional: boolean; deaths: object[]; pid?: number; uptimeMs?: number;
  nextStartMs?: number; reason?: string; children: FakeNode[];
}

function node(id: string, kind: string, dependsOn: string[] = [], children: FakeNode[] = []): FakeNode {
  const made: FakeNode = {
    id, kind, state: 'ready', restart: 'permanent', dependsOn, generation: 1, restarts: 0,
    budget: { used: 0, limit: kind === 'process' ? 8 : 0 }, optional: id === 'audio', deaths: [], uptimeMs: 754_000, children,
  };
  if (kind === 'process') made.pid = 4000 + id.length * 7;
  return made;
}

export class FakeDaemon {
  readonly inputs: { operation: number; bytes: number[] }[] = [];
  readonly received: { event: string; payload: unknown }[] = [];
  readonly tree = node('holt', 'group', [], [
    node('desktop', 'group', [], [
      node('x_server', 'process'), node('window_manager', 'process', ['x_server']), node('session_bus', 'process', ['x_server']),
      node('audio', 'process'), node('x_client', 'actor', ['x_server']),
    ]),
    node('stream', 'group', ['desktop'], [node('engine', 'process'), node('viewers', 'group')]),
    node('control', 'actor'), node('activity', 'actor'), node('gateway', 'actor'),
  ]);
  engine_down = false;
  stopped = false;
  scopes = ['view', 'input', 'fs', 'exec', 'admin'];
  #server: Server;
  #engine: FakeSocket | undefined;
  #viewers = new Map<number, FakeSocket>();
  #followers = new Set<FakeSocket>();
  #events: { seq: number; ts: string; kind: string; data: unknown }[] = [];
  #control = { kind: 'none', name: '', viewer: 0, taken: false, epoch: 0, paused: false, pausedBy: '', note: '' };
  #recordings: { id: string; status: string; fileName: string; bytes: number; startedAt: string; endedAt?: string }[] = [];
  #next_viewer = 1;
  #page: string;

  constructor(page: string) {
    this.#page = page;
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.on('upgrade', (request, stream) => this.#upgrade(request, stream));
    for (const id of ['x_server', 'window_manager', 'audio', 'engine'])
      this.event('supervision', { id, from: 'starting', to: 'ready', generation: 1, pid: 4100 });
  }

  async listen(port = 0): Promise<string> {
    await new Promise<void>((done) => this.#server.listen(port, '127.0.0.1', done));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
    for (const socket of [...this.#viewers.values(), ...this.#followers]) socket.cut();
  }

  find(id: string, from: FakeNode = this.tree): FakeNode | undefined {
    if (from.id === id) return from;
    for (const child of from.children) {
      const found = this.find(id, child);
      if (found) return found;
    }
    return undefined;
  }

  event(kind: string, data: unknown): void {
    const made = { seq: this.#events.length + 1, ts: new Date().toISOString(), kind, data };
    this.#events.push(made);
    for (const socket of this.#followers) socket.send(made);
  }

  set_state(id: string, to: string, reason = '', death?: object): void {
    const child = this.find(id);
    if (!child) return;
    const from = child.state;
    child.state = to;
    child.reason = reason;
    if (to === 'starting') child.generation += 1;
    if (death) {
      child.deaths.push(death);
      child.restarts += 1;
      child.budget.used += 1;
      delete child.pid;
    }
    if (to === 'ready') {
      child.pid = 4000 + child.generation * 11;
      child.uptimeMs = 400;
    }
    this.event('supervision', { id, from, to, generation: child.generation, pid: child.pid ?? 0, reason, ...(death ? { death } : {}) });
  }

  /** An agent's command as the feed tells it; `end` undefined: it runs on. */
  command(n: number, type: string, summary: string, output: readonly (readonly [string, string])[] = [], end?: object): void {
    this.event('command', { command: n, phase: 'queued', type, id: `req_${n}`, src: 'ag-1f3c', session: 'main', summary });
    this.event('command', { command: n, phase: 'running' });
    const off: Record<string, number> = {};
    for (const [stream, text] of output) {
      this.event('command', { command: n, phase: 'output', stream, off: off[stream] ?? 0, text });
      off[stream] = (off[stream] ?? 0) + Buffer.byteLength(text);
    }
    if (end) this.event('command', { command: n, phase: 'done', ...end });
  }

  /** As after kill -9: viewers told, away for a while. */
  kill_engine(): void {
    this.engine_down = true;
    const lines = ['capture: 1280x720 damage on', 'rtp: viewer 3 connected', 'vp8: 24.9 fps, 1.9 Mbit/s', 'rtp: key frame for viewer 3', 'terminated'];
    this.set_state('engine', 'backoff', 'Killed by signal 9.', {
      generation: this.find('engine')?.generation ?? 1, pid: 4042, cause: 'signal', code: 9, detail: '', uptimeMs: 754_000,
      at: new Date().toISOString(), lastLines: lines, expected: false,
    });
    for (const socket of this.#viewers.values()) {
      socket.send({ event: 'system/disconnect', payload: { message: 'the stream engine was killed by signal 9 and restarts' } });
      socket.close(1012, 'engine restart');
    }
  }

  engine_back(): void {
    this.engine_down = false;
    this.set_state('engine', 'starting');
    this.set_state('engine', 'ready');
  }

  stop_desktop(): void {
    this.stopped = true;
    for (const id of ['engine', 'x_client', 'window_manager', 'session_bus', 'audio', 'x_server']) this.set_state(id, 'stopped', 'Stopped by hand.');
    for (const socket of this.#viewers.values()) socket.close(4409, 'the desktop is stopped');
  }

  ask_for_control(name: string): void {
    for (const socket of this.#viewers.values()) socket.send({ event: 'holt/control_request', payload: { id: 'other-1', name } });
  }

  set_control(kind: string, name: string, viewer = 0, taken = false): void {
    this.#control = { ...this.#control, kind, name, viewer, taken, note: '', epoch: this.#control.epoch + (taken ? 1 : 0) };
    this.#tell_control();
  }

  #tell_control(): void {
    const { kind, name, taken, viewer } = this.#control;
    for (const [id, socket] of this.#viewers) socket.send({ event: 'holt/control', payload: { ...this.#control, viewer: null, you: id === viewer } });
    this.event('control', { kind, name, taken });
  }

  cut_viewers(): void {
    for (const socket of this.#viewers.values()) socket.cut();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://fake');
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const body = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
    const signed_in = /holt_session=fake/.test(request.headers.cookie ?? '');
    const json = (status: number, value: unknown, headers: Record<string, string> = {}) => {
      response.writeHead(status, { 'content-type': status < 400 ? 'application/json' : 'application/problem+json', ...headers });
      response.end(status === 204 ? undefined : JSON.stringify(value));
    };
    const problem = (status: number, code: string, detail: string) =>
      json(status, { type: `urn:holt:error:${code}`, title: code, status, code, detail });
    const path = url.pathname;
    if (!path.startsWith('/v1/')) {
      this.#file(path, response);
      return;
    }
    if (path === '/v1/health') return json(200, { status: 'ok', version: '0.1.0', engine: 'builtin', degraded: [] });
    if (path === '/v1/session') {
      if (request.method === 'POST') {
        if (body.ticket !== 'good' && body.token !== 'secret') return problem(401, 'unauthorized', 'Unknown ticket or token.');
        return json(200, { scopes: this.scopes }, { 'set-cookie': 'holt_session=fake; HttpOnly; SameSite=Strict; Path=/' });
      }
      if (request.method === 'DELETE') return json(200, {}, { 'set-cookie': 'holt_session=; Max-Age=0; Path=/' });
      return signed_in ? json(200, { scopes: this.scopes }) : problem(401, 'unauthorized', 'No session.');
    }
    if (!signed_in) return problem(401, 'unauthorized', 'No session.');
    if (path === '/v1/supervision') return json(200, this.tree);
    if (path === '/v1/activity') {
      const after = Number(url.searchParams.get('after') ?? 0);
      return json(200, { events: this.#events.filter((e) => e.seq > after), next: this.#events.length });
    }
    const cancelled = /^\/v1\/commands\/(\d+)\/cancel$/.exec(path);
    if (cancelled) {
      this.event('command', { command: Number(cancelled[1]), phase: 'done', ok: false, error: 'cancelled', duration_ms: 2_140 });
      return json(204, null);
    }
    const verb = /^\/v1\/supervision\/([^/]+)\/(start|stop|restart)$/.exec(path);
    if (verb) {
      const id = decodeURIComponent(verb[1] ?? '');
      if (!this.find(id)) return problem(404, 'not_found', `There is no ${id}.`);
      if (verb[2] === 'stop') this.set_state(id, 'stopped', 'Stopped by hand.');
      else {
        this.set_state(id, 'starting');
        setTimeout(() => this.set_state(id, 'ready'), 300);
      }
      return json(202, {});
    }
    const control = /^\/v1\/control\/(pause|resume|give)$/.exec(path);
    if (control) {
      if (control[1] === 'give') {
        this.set_control('agent', 'agent');
        this.#control.note = String(body.note ?? '');
      } else this.#control = { ...this.#control, paused: control[1] === 'pause', pausedBy: control[1] === 'pause' ? 'Viewer 1' : '' };
      this.#tell_control();
      return json(200, this.#control);
    }
    if (path === '/v1/desktop/recordings') return json(200, { recordings: this.#recordings });
    const recording = /^\/v1\/desktop\/recording\/(start|stop)$/.exec(path);
    if (recording) {
      const one = this.#recordings.find((row) => row.status === 'recording');
      if (recording[1] === 'start' && one) return problem(409, 'conflict', 'A recording runs already.');
      if (recording[1] === 'start')
        this.#recordings.push({ id: `rec_${this.#recordings.length + 1}`, status: 'recording', fileName: `rec_${this.#recordings.length + 1}.mp4`, bytes: 900, startedAt: new Date().toISOString() });
      else if (!one) return problem(409, 'conflict', 'None runs.');
      else Object.assign(one, { status: 'completed', bytes: 48_000, endedAt: new Date().toISOString() });
      return json(200, this.#recordings.at(-1));
    }
    const removed = /^\/v1\/desktop\/recordings\/(rec_\d+)$/.exec(path);
    if (removed && request.method === 'DELETE') {
      this.#recordings = this.#recordings.filter((row) => row.id !== removed[1]);
      return json(204, null);
    }
    if (path === '/v1/desktop/stream/status') return json(200, { active: !this.stopped });
    if (path === '/v1/desktop/stop') {
      this.stop_desktop();
      return json(200, { state: 'inactive' });
    }
    if (path === '/v1/desktop/start' || path === '/v1/desktop/stream/start') {
      if (this.stopped) for (const id of ['x_server', 'window_manager', 'session_bus', 'audio', 'x_client', 'engine']) this.set_state(id, 'ready');
      this.stopped = false;
      return json(200, { state: 'active' });
    }
    problem(404, 'not_found', 'There is no such route.');
  }

  #file(path: string, response: ServerResponse): void {
    const here = fileURLToPath(new URL('.', import.meta.url));
    if (path === '/fake/engine.html') {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end('<!doctype html><title>engine</title><canvas width="1280" height="720"></canvas><script src="/fake/engine.js"></script>');
      return;
    }
    const file = path === '/fake/engine.js' ? join(here, 'fake_engine.js') : join(this.#page, normalize(path === '/' ? '/index.html' : path));
    if (!existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream', 'content-security-policy': policy });
    response.end(readFileSync(file));
  }

  #upgrade(request: IncomingMessage, stream: import('node:stream').Duplex): void {
    const url = new URL(request.url ?? '/', 'http://fake');
    if (url.pathname === '/v1/desktop/stream/signaling' && this.stopped) {
      stream.end('HTTP/1.1 409 Conflict\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    const socket = new FakeSocket(request, stream);
    if (url.pathname === '/fake/engine') {
      this.#engine = socket;
      socket.on_text = (text) => this.#from_engine(text);
    } else if (url.pathname === '/v1/activity/ws') {
      const after = Number(url.searchParams.get('after') ?? 0);
      for (const event of this.#events) if (event.seq > after) socket.send(event);
      this.#followers.add(socket);
      socket.on_close = () => this.#followers.delete(socket);
    } else if (url.pathname === '/v1/desktop/stream/signaling') {
      this.#viewer(socket);
    } else socket.close(1008);
  }

  #from_engine(text: string): void {
    const { viewer, event, payload } = JSON.parse(text) as { viewer: number; event: string; payload: never };
    if (event === 'fake/input') {
      if (this.#control.viewer === viewer) this.inputs.push(payload);
    } else this.#viewers.get(viewer)?.send({ event, payload });
  }

  #viewer(socket: FakeSocket): void {
    const id = this.#next_viewer++;
    this.#viewers.set(id, socket);
    socket.on_close = () => {
      this.#viewers.delete(id);
      this.#engine?.send({ viewer: id, event: 'fake/gone', payload: {} });
      if (this.#control.viewer === id) this.set_control('none', '');
    };
    const began = Date.now();
    const begin = () => {
      if (!this.#viewers.has(id)) return;
      if (this.engine_down) {
        socket.send({ event: 'holt/waiting', payload: { reason: 'the stream engine is restarting', elapsedMs: Date.now() - began } });
        setTimeout(begin, 500);
        return;
      }
      socket.send({
        event: 'system/init',
        payload: {
          session_id: `viewer-${id}`, control_host: { id: '', has_host: false }, screen_size: { width: 1280, height: 720, rate: 60 },
          sessions: { [`viewer-${id}`]: {} }, settings: { heartbeat_interval: 10 }, webrtc: { videos: ['main'] },
        },
      });
      socket.send({
        event: 'holt/session',
        payload: { id: `viewer-${id}`, name: `Viewer ${id}`, canControl: this.scopes.includes('input'), engine: 'builtin', engineVersion: '0.1.0' },
      });
      socket.send({ event: 'holt/control', payload: { ...this.#control, viewer: null, you: false } });
    };
    begin();
    socket.on_text = (text) => {
      const { event, payload } = JSON.parse(text) as { event: string; payload: Record<string, unknown> };
      this.received.push({ event, payload });
      if (event.startsWith('signal/')) this.#engine?.send({ viewer: id, event, payload });
      else if (event === 'control/request') this.set_control('person', `Viewer ${id}`, id);
      else if (event === 'control/take') this.set_control('person', `Viewer ${id}`, id, true);
      else if (event === 'control/release') this.set_control('none', '');
      else if (event === 'control/give') this.set_control('person', 'Maria');
    };
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const daemon = new FakeDaemon(process.argv[2] ?? fileURLToPath(new URL('../../build/web', import.meta.url)));
  const url = await daemon.listen(Number(process.env.PORT ?? 4700));
  console.log(`page ${url}/#ticket=good\nopen ${url}/fake/engine.html in a second tab of the same browser: it is the engine`);
}

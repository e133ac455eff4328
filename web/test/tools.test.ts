// SPDX-License-Identifier: Apache-2.0
// What the tool panels are made of: events, logs, files, uploads, recordings, control.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Api } from '../core/api.ts';
import { EventParser } from '../core/event_feed.ts';
import { Folder, in_order, entry_of, join_path, name_problem, parent_of, type FileEntry } from '../core/files.ts';
import { most_characters, plain, ProcessLog } from '../core/process_log.ts';
import { command_line, process_of, Processes, terminal_tag } from '../core/processes.ts';
import { Recordings } from '../core/recordings.ts';
import { Terminals } from '../core/terminals.ts';
import { size_text } from '../core/units.ts';
import { Uploads } from '../core/uploads.ts';
import { control_of } from '../core/viewer_state.ts';
import { FakeClock } from './fakes.ts';

const turn = async () => {
  for (let i = 0; i < 5; i += 1) await new Promise((next) => setImmediate(next));
};

interface Call { readonly method: string; readonly path: string; readonly body: unknown }

/** Answers by `METHOD path`, without the query; everything else is 404. */
function api_of(answers: Record<string, (call: Call) => Response | object>) {
  const calls: Call[] = [];
  const api = new Api(async (url, init) => {
    const call = { method: init.method ?? 'GET', path: url, body: typeof init.body === 'string' ? JSON.parse(init.body) as unknown : undefined };
    calls.push(call);
    const answer = answers[`${call.method} ${url.split('?')[0]}`];
    const got = answer ? answer(call) : new Response(JSON.stringify({ code: 'not_found', detail: 'There is no such thing.' }), { status: 404 });
    return got instanceof Response ? got : new Response(JSON.stringify(got));
  });
  return { api, calls };
}

const refused = (status: number, detail: string) => new Response(JSON.stringify({ code: 'x', title: 'X', detail }), { status });

test('events are read however they are cut', () => {
  const text = ': following\n\nevent: log\nid: 7\ndata: {"a":1}\n\nevent: exit\ndata: {"exitCode":0}\n\n';
  for (let size = 1; size < 20; size += 1) {
    const parser = new EventParser();
    const seen = [];
    for (let at = 0; at < text.length; at += size) seen.push(...parser.feed(text.slice(at, at + size)));
    assert.deepEqual(seen, [{ name: 'log', id: '7', data: { a: 1 } }, { name: 'exit', id: '', data: { exitCode: 0 } }]);
  }
  assert.deepEqual(new EventParser().feed('event: x\ndata: no json\n\n'), []);
});

const log_event = (sequence: number, stream: string, bytes: Uint8Array | string) =>
  `event: log\nid: ${sequence}\ndata: ${JSON.stringify({ sequence, stream, data: Buffer.from(bytes as string).toString('base64') })}\n\n`;

test('a log is decoded a stream at a time, and goes on behind what came when it is cut', async () => {
  const umlaut = Buffer.from('ü');
  const pieces = [
    log_event(1, 'stdout', umlaut.subarray(0, 1)) + log_event(2, 'stderr', 'oh') + log_event(3, 'stdout', umlaut.subarray(1)),
    `${log_event(4, 'stdout', '\x1b[31mred\x1b[0m')}event: lost\ndata: {"throughSequence":9}\n\nevent: exit\ndata: {"processId":"p","signal":9}\n\n`,
  ];
  const clock = new FakeClock();
  const { api, calls } = api_of({ 'GET /v1/processes/p/logs': () => new Response(pieces.shift() ?? '') });
  const log = new ProcessLog(api, clock, 'p');
  await turn();
  clock.advance(1_000);
  await turn();
  assert.equal(log.state.get().pieces.map((piece) => piece.text).join('|'), 'oh|ü|red|[Output was not kept here.]\n');
  assert.equal(log.state.get().ended, 'Ended by SIGKILL.');
  assert.match(calls[0]?.path ?? '', /tail=/);
  assert.match(calls[1]?.path ?? '', /since=3$/);
  clock.advance(60_000);
  await turn();
  assert.equal(calls.length, 2, 'after the end nothing is asked');
});

test('a log that is refused says why, and a long one keeps its end', async () => {
  const { api } = api_of({ 'GET /v1/processes/p/logs': () => new Response(log_event(1, 'stdout', 'a'.repeat(most_characters)) + log_event(2, 'stdout', 'end')) });
  const long = new ProcessLog(api, new FakeClock(), 'p');
  await turn();
  assert.equal(long.state.get().dropped, most_characters);
  assert.equal(long.state.get().pieces.map((piece) => piece.text).join(''), 'end');
  long.stop();
  const gone = new ProcessLog(api, new FakeClock(), 'other');
  await turn();
  assert.equal(gone.state.get().problem, 'There is no such thing.');
  assert.equal(plain('\x1b]0;title\x07a\r\nb\x1b[2K'), 'a\nb');
});

test('the list of processes is read while somebody looks, newest first', async () => {
  const clock = new FakeClock();
  const rows = [{ id: 'proc_1', command: 'a b', args: ["it's"], status: 'exited', exitCode: 1 }, { id: 'proc_2', command: 'sh', tty: true, status: 'running', tags: [terminal_tag] }];
  const { api, calls } = api_of({ 'GET /v1/processes': () => ({ processes: rows }), 'POST /v1/processes/proc_2/signal': () => refused(409, 'It has ended.') });
  const processes = new Processes({ api, clock, signed_out: () => undefined });
  clock.advance(60_000);
  assert.equal(calls.length, 0);
  const end = processes.watch();
  await turn();
  const list = processes.state.get().list ?? [];
  assert.deepEqual(list.map(command_line), ['Terminal', `'a b' 'it'\\''s'`]);
  assert.equal(await processes.signal('proc_2', 'INT'), 'It has ended.');
  assert.deepEqual(calls.find((call) => call.method === 'POST')?.body, { signal: 'INT' });
  await turn();
  const before = calls.length;
  end();
  processes.changed();
  clock.advance(60_000);
  assert.equal(calls.length, before);
});

test('terminals: opened, attached once, closed with a neighbour shown, refused with a reason', async () => {
  let status = 200;
  const { api } = api_of({
    'POST /v1/processes': () => (status === 200 ? { id: 'proc_9', tty: true, status: 'running', tags: [terminal_tag] } : refused(status, 'No room.')),
    'POST /v1/processes/proc_3/kill': () => ({ id: 'proc_3' }),
  });
  const deps = { api, clock: new FakeClock(), signed_out: () => undefined };
  const terminals = new Terminals({ ...deps, ws_base: 'ws://h', random: () => 0, make_socket: () => assert.fail('nobody draws yet') }, new Processes(deps));
  await terminals.open(80, 24);
  const other = process_of({ id: 'proc_3', command: 'top', tty: true, status: 'running' });
  assert.ok(other);
  terminals.attach(other);
  terminals.attach(other);
  assert.deepEqual(terminals.state.get().tabs.map((tab) => tab.title), ['Terminal 1', 'top']);
  assert.equal(terminals.state.get().active, 'proc_3');
  assert.equal(await terminals.end('proc_3'), '');
  assert.equal(terminals.state.get().active, 'proc_9');
  status = 503;
  await terminals.open(80, 24);
  assert.equal(terminals.state.get().problem, 'No room.');
});

test('paths and names', () => {
  assert.deepEqual(['/', '/a', '/a/b'].map(parent_of), ['/', '/', '/a']);
  assert.deepEqual([join_path('/', 'a'), join_path('/a', 'b')], ['/a', '/a/b']);
  assert.deepEqual(['', '..', 'a/b', 'ok'].map((name) => name_problem(name) === ''), [false, false, false, true]);
  assert.notEqual(name_problem('ü'.repeat(128)), '');
  assert.deepEqual([0, 999, 1000, 9_949, 12_345, 999_600, 5e12].map(size_text), ['0 B', '999 B', '1.0 kB', '9.9 kB', '12 kB', '1.0 MB', '5.0 TB']);
  const rows = ['b10', 'b9', 'Z'].map((name) => entry_of({ name, path: `/${name}`, entryType: name === 'Z' ? 'directory' : 'file' }) as FileEntry);
  assert.deepEqual(in_order(rows).map((row) => row.name), ['Z', 'b9', 'b10']);
});

test('a folder is read when it is watched, again when it changes, and says why when it cannot', async () => {
  const clock = new FakeClock();
  let entries: object[] | Response = [{ name: 'a', path: '/w/a', entryType: 'file', size: 3, modified: '2026-01-01T00:00:00Z' }];
  const { api, calls } = api_of({
    'GET /v1/fs/stat': () => ({ path: '/w' }),
    'GET /v1/fs/watch': () => new Response('event: ready\ndata: {"path":"/w"}\n\n'),
    'GET /v1/fs/entries': () => entries,
    'POST /v1/fs/move': () => refused(409, 'It exists already.'),
    'DELETE /v1/fs/entry': () => ({ path: '/w/a' }),
  });
  const folder = new Folder(api, clock, () => undefined);
  const end = folder.watch();
  await turn();
  assert.equal(folder.state.get().path, '/w');
  const [first] = folder.state.get().entries ?? [];
  assert.equal(first?.size, 3);
  assert.equal(await folder.rename(first as FileEntry, 'b'), 'It exists already.');
  assert.deepEqual(calls.find((call) => call.path === '/v1/fs/move')?.body, { from: '/w/a', to: '/w/b', overwrite: false });
  assert.equal(await folder.make_folder('a/b'), 'A name has no slash in it.');
  assert.equal(await folder.remove(first as FileEntry), '');
  assert.doesNotMatch(calls.find((call) => call.method === 'DELETE')?.path ?? '', /recursive/);
  entries = refused(403, 'Outside.');
  await folder.refresh();
  assert.equal(folder.state.get().problem, 'Outside.');
  end();
});

test('uploads: two at once, one that exists waits for a word, failures say why', async () => {
  const started: { url: string; headers: Readonly<Record<string, string>>; end: (status: number, body?: string) => void }[] = [];
  let cancelled = 0;
  const uploads = new Uploads((url, headers, _file, progress) => {
    let end: (status: number, body?: string) => void = () => undefined;
    const ended = new Promise<{ status: number; body: string }>((done) => { end = (status, body = '') => done({ status, body }); });
    started.push({ url, headers, end });
    progress(1);
    return { ended, cancel: () => { cancelled += 1; } };
  }, () => undefined);
  const phases = () => uploads.state.get().list.map((one) => one.phase).join(' ');
  for (const name of ['a', 'b', 'c']) uploads.add(`/w/${name}`, name, new Blob(['xyz']));
  assert.equal(phases(), 'sending sending waiting');
  assert.equal(started[0]?.headers['if-none-match'], '*');
  started[0]?.end(412);
  started[1]?.end(507, JSON.stringify({ detail: 'The disk is full.' }));
  await turn();
  assert.equal(phases(), 'exists failed sending');
  assert.equal(uploads.state.get().list[1]?.problem, 'The disk is full.');
  uploads.replace(1);
  assert.equal(started[3]?.headers['if-none-match'], undefined);
  started[3]?.end(200);
  await turn();
  assert.equal(phases(), 'done failed sending');
  uploads.drop(3);
  assert.equal(cancelled, 1);
  uploads.drop_done();
  assert.equal(phases(), 'failed');
});

test('recordings: newest first, and a daemon without them is said so', async () => {
  const rows = [{ id: 'rec_1', status: 'failed', reason: 'The disk is full.' }, { id: 'rec_2', status: 'recording', fileName: 'r.mp4', bytes: 5 }];
  const { api } = api_of({ 'GET /v1/desktop/recordings': () => ({ recordings: rows }), 'POST /v1/desktop/recording/start': () => refused(409, 'One runs already.') });
  const recordings = new Recordings(api, new FakeClock(), () => undefined);
  recordings.watch();
  await turn();
  assert.deepEqual(recordings.state.get().list?.map((one) => [one.id, one.status, one.file_name]), [['rec_2', 'recording', 'r.mp4'], ['rec_1', 'failed', 'rec_1.mp4']]);
  assert.equal(await recordings.start(), 'One runs already.');
  const none = new Recordings(api_of({}).api, new FakeClock(), () => undefined);
  none.watch();
  await turn();
  assert.equal(none.state.get().offered, false);
});

test('who drives: a pause is known only where the daemon tells of it', () => {
  assert.equal(control_of({ kind: 'agent', epoch: 3 }).paused, undefined);
  const paused = control_of({ kind: 'none', paused: true, pausedBy: 'Ada', note: 'x'.repeat(2000) });
  assert.deepEqual([paused.paused, paused.paused_by, paused.note.length], [true, 'Ada', 1000]);
});

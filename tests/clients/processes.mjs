// SPDX-License-Identifier: Apache-2.0

// Every process and terminal method of the unmodified sandbox-agent client against a daemon:
//   processes.mjs URL TOKEN
// Prints one JSON line of what was seen.

import WebSocket from 'ws';
import { refused, travel, until, within } from './lib.mjs';

const text = entries => Buffer.concat(entries.map(e => Buffer.from(e.data, e.encoding))).toString();

await travel(/Process/, async (client, seen) => {
  // -- limits, and one program to its end
  const config = await client.getProcessConfig();
  seen.config = config;
  seen.changed = await client.setProcessConfig({ ...config, maxConcurrentProcesses: 65 });
  seen.restored = await client.setProcessConfig(config);
  seen.run = await client.runProcess({ command: 'sh', args: ['-c', 'echo "$GREETING"; echo e >&2; exit 3'], env: { GREETING: 'hé' }, cwd: '.' });
  seen.late = await client.runProcess({ command: 'sh', args: ['-c', 'sleep 613 & sleep 614'], timeoutMs: 200 });
  seen.cut = await client.runProcess({ command: 'sh', args: ['-c', 'printf 0123456789'], maxOutputBytes: 4 });
  seen.unknown_program = await refused(() => client.runProcess({ command: 'no-such-program' }));

  // -- a long one: input, output, its end
  const cat = await client.createProcess({ command: 'cat', interactive: true });
  seen.created = cat;
  seen.listed = (await client.listProcesses()).processes.some(p => p.id === cat.id);
  seen.listed_user = (await client.listProcesses({ owner: 'user' })).processes.map(p => p.owner).filter(o => o !== 'user');
  seen.got = await client.getProcess(cat.id);
  const followed = [];
  const follow = await client.followProcessLogs(cat.id, entry => followed.push(entry));
  seen.input = await client.sendProcessInput(cat.id, { data: Buffer.from('one\n').toString('base64') });
  seen.input_utf8 = await client.sendProcessInput(cat.id, { data: 'zwö\n', encoding: 'utf8' });
  await until('both lines are followed', () => text(followed) === 'one\nzwö\n');
  seen.followed = [...new Set(followed.map(e => `${e.stream} ${e.encoding}`))];
  seen.rising = followed.every((e, i) => i === 0 || e.sequence > followed[i - 1].sequence);
  const logs = await client.getProcessLogs(cat.id, { stream: 'stdout' });
  seen.logs = { processId: logs.processId === cat.id, stream: logs.stream, text: text(logs.entries) };
  seen.tail = (await client.getProcessLogs(cat.id, { tail: 1 })).entries.length;
  seen.since = (await client.getProcessLogs(cat.id, { since: logs.entries.at(-1).sequence })).entries.length;
  seen.no_terminal = await refused(() => client.resizeProcessTerminal(cat.id, { cols: 80, rows: 24 }));
  seen.alive = await refused(() => client.deleteProcess(cat.id));
  seen.stopped = await client.stopProcess(cat.id, { waitMs: 5000 });
  await within('the end of the followed log', follow.closed);
  follow.close();
  seen.stopped_again = (await client.stopProcess(cat.id)).status;
  seen.input_late = await refused(() => client.sendProcessInput(cat.id, { data: '' }));
  seen.deleted = (await client.deleteProcess(cat.id)) === undefined;
  seen.missing = await refused(() => client.getProcess(cat.id));

  const sleeper = await client.createProcess({ command: 'sleep', args: ['615'] });
  seen.killed = await client.killProcess(sleeper.id, { waitMs: 5000 });
  await client.deleteProcess(sleeper.id);

  // -- a terminal
  const shell = await client.createProcess({ command: 'sh', tty: true, interactive: true, env: { PS1: '', TERM: 'xterm' } });
  seen.tty = { tty: shell.tty, interactive: shell.interactive };
  seen.url = client.buildProcessTerminalWebSocketUrl(shell.id).startsWith('ws://');
  const terminal = client.connectProcessTerminal(shell.id, { WebSocket });
  let printed = '';
  const errors = [];
  const exits = [];
  terminal.onError(e => errors.push(String(e.message ?? e)));
  terminal.onExit(frame => exits.push(frame));
  terminal.onData(bytes => { printed += Buffer.from(bytes).toString(); });
  seen.ready = await within('ready', new Promise(done => terminal.onReady(done)));
  seen.ready.processId = seen.ready.processId === shell.id;
  terminal.resize({ cols: 91, rows: 31 });
  terminal.sendInput('stty -echo; stty size\n');
  await until('the size', () => /31 91/.test(printed));
  seen.resized = await client.resizeProcessTerminal(shell.id, { cols: 77, rows: 17 });
  terminal.sendInput(new TextEncoder().encode('stty size\n'));
  await until('the second size', () => /17 77/.test(printed));
  // A second viewer, through the socket itself, has its token in the address as well.
  const second = client.connectProcessTerminalWebSocket(shell.id, { WebSocket });
  const first_word = await within('the second viewer', new Promise((done, no) => {
    second.on('error', no);
    second.on('message', (data, binary) => binary || done(JSON.parse(data)));
  }));
  seen.second = first_word.type;
  second.close();
  terminal.sendInput('exit 5\n');
  await within('the terminal closes', terminal.closed);
  seen.exits = exits;
  seen.errors = errors;
  seen.foreign_text = /process stream error/.test(printed);
  const end = await until('the exit is known', async () => {
    const now = await client.getProcess(shell.id);
    return now.status === 'exited' && now;
  });
  seen.ended = { exitCode: end.exitCode, pid: end.pid ?? null };
  seen.pty = text((await client.getProcessLogs(shell.id, { stream: 'pty' })).entries).includes('17 77');
  const late = client.connectProcessTerminal(shell.id, { WebSocket });
  const late_exit = new Promise(done => late.onExit(done));
  seen.attached_late = await within('exit for a late viewer', late_exit);
  late.close();
  await client.deleteProcess(shell.id);
  const wrong = client.connectProcessTerminal(shell.id, { WebSocket, accessToken: 'wrong' });
  seen.wrong_token = await within('a wrong token is refused', new Promise(done => wrong.onError(e => done(String(e.message ?? e)))));
});

// SPDX-License-Identifier: Apache-2.0

// A page with the published React components, as their reader would write it. It has no address of
// its own: tests/browser bundles it and hands it `show`.

import { createElement } from 'react';
import { createRoot } from 'react-dom/client';
import { DesktopViewer, ProcessTerminal } from '@sandbox-agent/react';
import { SandboxAgent } from 'sandbox-agent';

const log = { ready: [], errors: [], disconnects: 0 };
// One function each for good: the component connects anew when it is given others.
const handlers = {
  onConnect: status => log.ready.push(status),
  onError: error => log.errors.push(String(error?.message ?? error)),
  onDisconnect: () => { log.disconnects += 1; },
};

/** Renders the viewer on `baseUrl` once the desktop and its stream run. */
globalThis.show = async (baseUrl, token) => {
  const client = await SandboxAgent.connect({ baseUrl, token });
  await client.startDesktop();
  await client.startDesktopStream();
  const root = createRoot(document.getElementById('desktop'));
  root.render(createElement(DesktopViewer, { client, height: 480, ...handlers }));
  globalThis.hide = () => root.unmount();
};

/** Renders a terminal on a process that has one. */
globalThis.show_terminal = async (baseUrl, token, processId) => {
  const client = await SandboxAgent.connect({ baseUrl, token });
  const root = createRoot(document.getElementById('terminal'));
  root.render(createElement(ProcessTerminal, { client, processId, height: 240, onError: handlers.onError }));
};
globalThis.seen = () => log;

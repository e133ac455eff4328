// SPDX-License-Identifier: Apache-2.0
// The page's frame: bar, desktop, who drives, side panel, status line.

import { useSignalEffect } from '@preact/signals';
import { useRef } from 'preact/hooks';

import { AskDialog } from './ask.tsx';
import { DriveBar } from './drive_bar.tsx';
import { panel_open, session_state, toast, touch_keys_open, view } from './model.ts';
import { Panel } from './panel.tsx';
import { SignIn } from './sign_in.tsx';
import { Stage } from './stage.tsx';
import { StatusLine } from './status_line.tsx';
import { TopBar } from './top_bar.tsx';
import { Lightbox } from './lightbox.tsx';
import { lazy } from './lazy.tsx';
import { dock_open, dock_wanted } from './tools.ts';
import { TouchKeys } from './touch_keys.tsx';

const TerminalDock = lazy(() => import('./terminal_dock.tsx').then((part) => part.TerminalDock));

export function App() {
  if (session_state.value.phase !== 'signed_in') return <SignIn />;
  return (
    <div class={`page${panel_open.value ? '' : ' panel-closed'}${dock_open.value ? ' dock-open' : ''}`}>
      <a class="skip" href="#desktop">
        Skip to the desktop
      </a>
      <TopBar />
      <main class="main">
        <Stage />
        {touch_keys_open.value && <TouchKeys />}
      </main>
      <DriveBar />
      {dock_wanted.value && <TerminalDock />}
      {panel_open.value && <Panel />}
      <StatusLine />
      <AskDialog />
      <Lightbox />
      <Toast />
      <Announcer />
    </div>
  );
}

function Toast() {
  const shown = toast.value;
  return (
    <div class="toasts" role="status" aria-live="polite">
      {shown && (
        <p class={`toast${shown.bad ? ' bad' : ''}`} data-testid="toast">
          {shown.text}
          <button type="button" class="link" onClick={() => { toast.value = undefined; }}>
            Dismiss
          </button>
        </p>
      )}
    </div>
  );
}

/** Connection and driver for those who do not see the page; each change once. */
function Announcer() {
  const line = useRef<HTMLParagraphElement>(null);
  useSignalEffect(() => {
    const { title, detail, control } = view.value;
    const who = control.you ? 'You drive.' : control.kind === 'none' ? '' : `${control.name || control.kind} drives.`;
    const words = [title, detail, who].filter((part) => part !== '').join('. ');
    if (line.current && line.current.textContent !== words) line.current.textContent = words;
  });
  return <p ref={line} class="visually-hidden" role="status" aria-live="polite" data-testid="announcer" />;
}

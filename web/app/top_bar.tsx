// SPDX-License-Identifier: Apache-2.0
// The bar above everything: the connection's state and the switches of the view.

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

import { use_dismiss } from './dismiss.ts';
import { Icon, Mark, type IconName } from './icons.tsx';
import {
  panel_open,
  remember,
  resize_desktop,
  say,
  session,
  set_sound,
  set_theme,
  sign_out,
  sound_on,
  start_desktop,
  stats_open,
  stop_desktop,
  theme,
  touch_keys_open,
  view,
  viewer,
  type Theme,
} from './model.ts';
import type { Phase } from '../core/viewer_state.ts';
import { toggle_stats } from './stats_overlay.tsx';
import { dock_open, show_dock } from './tools.ts';

interface SwitchProps {
  readonly icon: IconName;
  readonly label: string;
  readonly test: string;
  readonly on?: boolean;
  readonly extra?: string;
  readonly act: () => void;
}

function Switch({ icon, label, test, on, extra = '', act }: SwitchProps) {
  return (
    <button
      type="button"
      class={`icon-button ${extra}`}
      aria-label={label}
      title={label}
      aria-pressed={on}
      data-testid={test}
      onClick={act}
    >
      <Icon name={icon} />
    </button>
  );
}

/** For a phone's bar; the whole reason stands over the picture. */
const short_words: Readonly<Record<Phase, string>> = {
  idle: 'Offline',
  connecting: 'Connecting',
  waiting: 'Waiting',
  negotiating: 'Opening',
  live: 'Live',
  retrying: 'Reconnecting',
  stopped: 'Stopped',
  failed: 'Failed',
  ended: 'Signed out',
};

export function TopBar() {
  const { phase, title } = view.value;
  const full = useSignal(false);
  useEffect(() => {
    const changed = () => {
      full.value = document.fullscreenElement !== null;
    };
    document.addEventListener('fullscreenchange', changed);
    return () => document.removeEventListener('fullscreenchange', changed);
  }, []);
  return (
    <header class="bar">
      <div class="brand">
        <Mark />
        <h1>Holt</h1>
      </div>
      <p class={`chip connection ${phase}`} data-testid="connection" title={view.value.detail}>
        <span class="chip-dot" aria-hidden="true" />
        <span class="chip-text long">{title}</span>
        <span class="chip-text short" aria-hidden="true">{short_words[phase]}</span>
      </p>
      <div class="tools" role="toolbar" aria-label="View">
        <Switch
          icon={sound_on.value ? 'sound' : 'muted'}
          label={sound_on.value ? 'Mute the sound' : 'Hear the sound'}
          test="sound"
          on={sound_on.value}
          act={() => set_sound(!sound_on.value)}
        />
        <Switch icon="keyboard" label="On-screen keyboard" test="touch-keyboard" on={touch_keys_open.value} act={toggle_keyboard} />
        <Switch icon="stats" label="Stream statistics" test="stats-toggle" on={stats_open.value} act={toggle_stats} />
        <Switch
          icon={full.value ? 'unfull' : 'full'}
          label={full.value ? 'Leave full screen' : 'Full screen'}
          test="full-screen"
          on={full.value}
          act={() => void toggle_full_screen()}
        />
        {session.has('exec') && (
          <Switch
            icon="terminal"
            label={dock_open.value ? 'Hide the terminal' : 'Show the terminal'}
            test="terminal-toggle"
            on={dock_open.value}
            act={() => show_dock(!dock_open.value)}
          />
        )}
        <Switch
          icon="panel"
          label={panel_open.value ? 'Hide the side panel' : 'Show the side panel'}
          test="panel-toggle"
          extra="panel-toggle"
          on={panel_open.value}
          act={() => {
            panel_open.value = !panel_open.value;
            remember('panel', panel_open.value ? '' : 'closed');
          }}
        />
        <Menu />
      </div>
    </header>
  );
}

/** Must run within the click: only then may a touch keyboard open. */
function toggle_keyboard(): void {
  touch_keys_open.value = !touch_keys_open.value;
  const sink = document.querySelector<HTMLTextAreaElement>('#desktop textarea');
  if (touch_keys_open.value) sink?.focus({ preventScroll: true });
  else sink?.blur();
}

async function toggle_full_screen(): Promise<void> {
  try {
    if (document.fullscreenElement) {
      await document.exitFullscreen();
      return;
    }
    await document.querySelector('.page')?.requestFullscreen({ navigationUI: 'hide' });
    // Where there is one, Keyboard Lock lets Escape and Alt+Tab reach the desktop too.
    const { keyboard } = navigator as Navigator & { keyboard?: { lock?: () => Promise<void> } };
    await keyboard?.lock?.();
    document.querySelector<HTMLTextAreaElement>('#desktop textarea')?.focus({ preventScroll: true });
  } catch {
    // The browser said no; nothing changes.
  }
}

const themes: readonly (readonly [Theme, string])[] = [['auto', 'Auto'], ['light', 'Light'], ['dark', 'Dark']];
const sizes = [[1280, 720], [1600, 900], [1920, 1080]] as const;

function Menu() {
  const open = useSignal(false);
  const root = useRef<HTMLDivElement>(null);
  use_dismiss(open, root);
  const then = (act: () => void) => () => {
    open.value = false;
    act();
  };
  const { screen, phase, control } = view.value;
  const may = session.has('input');
  return (
    <div class="menu-root" ref={root}>
      <button
        type="button"
        class="icon-button"
        aria-label="More"
        title="More"
        aria-expanded={open.value}
        data-testid="menu"
        onClick={() => { open.value = !open.value; }}
      >
        <Icon name="menu" />
      </button>
      {open.value && (
        <div class="menu" data-testid="menu-open">
          {may && (
            <fieldset>
              <legend>Desktop size</legend>
              <div class="choices">
                {sizes.map(([w, h]) => (
                  <button
                    type="button"
                    class="choice"
                    key={w}
                    aria-pressed={screen?.width === w && screen.height === h}
                    onClick={then(() => void resize_desktop(w, h))}
                  >
                    {w} × {h}
                  </button>
                ))}
                <button type="button" class="choice" onClick={then(fit_desktop)}>
                  Fit window
                </button>
              </div>
            </fieldset>
          )}
          <fieldset>
            <legend>Appearance</legend>
            <div class="choices three">
              {themes.map(([value, label]) => (
                <button type="button" class="choice" key={value} aria-pressed={theme.value === value} onClick={() => set_theme(value)}>
                  {label}
                </button>
              ))}
            </div>
          </fieldset>
          {control.you && <Clipboard />}
          {may && (phase === 'stopped'
            ? <button type="button" class="menu-item" onClick={then(() => void start_desktop())}>Start the desktop</button>
            : <button type="button" class="menu-item" data-testid="stop-desktop" onClick={then(() => void stop_desktop())}>Stop the desktop</button>)}
          <button type="button" class="menu-item" data-testid="sign-out" onClick={then(() => void sign_out())}>
            Sign out
          </button>
        </div>
      )}
    </div>
  );
}

/** The desktop's clipboard by hand: works without any permission of the browser. */
function Clipboard() {
  const words = useSignal(view.peek().clipboard);
  return (
    <fieldset>
      <legend>Clipboard of the desktop</legend>
      <textarea
        class="clipboard"
        rows={3}
        aria-label="Clipboard of the desktop"
        data-testid="clipboard"
        value={words.value}
        onInput={(event) => { words.value = event.currentTarget.value; }}
        onFocus={(event) => event.currentTarget.select()}
      />
      <button
        type="button"
        class="choice wide"
        data-testid="clipboard-send"
        onClick={() => say(viewer.set_clipboard(words.value) ? 'The desktop’s clipboard was set.' : 'Not connected.')}
      >
        Set on the desktop
      </button>
    </fieldset>
  );
}

function fit_desktop(): void {
  const box = document.querySelector('.stage-box');
  if (!box) return;
  const even = (pixels: number) => Math.min(Math.max(Math.floor(pixels / 8) * 8, 320), 3840);
  void resize_desktop(even(box.clientWidth), Math.min(even(box.clientHeight), 2160));
}

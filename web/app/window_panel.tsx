// SPDX-License-Identifier: Apache-2.0
// The windows of the desktop, read again and again while they are looked at, and the usual acts.

import { useSignal, type Signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

import { words_of_problem } from '../core/api.ts';
import { take_screenshot } from './captures.ts';
import { IconButton } from './icon_button.tsx';
import { Icon } from './icons.tsx';
import { api, say, session } from './model.ts';

interface DesktopWindow {
  readonly id: string;
  readonly title: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly isActive?: boolean;
  readonly app?: string;
  readonly minimised?: boolean;
  readonly maximised?: boolean;
}

interface Windows {
  readonly list: readonly DesktopWindow[] | undefined;
  readonly problem: string;
}

const refresh_ms = 2_000;

async function read(into: Signal<Windows>): Promise<void> {
  const answer = await api.get<{ windows?: DesktopWindow[] }>('/v1/desktop/windows');
  if (answer.ok) into.value = { list: answer.value?.windows ?? [], problem: '' };
  else if (answer.problem.status === 401) session.expired('The session has ended.');
  else into.value = { list: undefined, problem: words_of_problem(answer.problem) };
}

export function WindowPanel() {
  const state = useSignal<Windows>({ list: undefined, problem: '' });
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let over = false;
    const again = async () => {
      if (!document.hidden) await read(state);
      if (!over) timer = setTimeout(() => void again(), refresh_ms);
    };
    void again();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, []);
  const act = async (one: DesktopWindow, verb: string) => {
    const answer = await api.post(`/v1/desktop/windows/${encodeURIComponent(one.id)}/${verb}`);
    if (!answer.ok) say(`${one.title || 'The window'}: ${words_of_problem(answer.problem)}`, true);
    await read(state);
  };
  const { list, problem } = state.value;
  return (
    <section aria-label="Windows" data-testid="windows">
      {problem !== '' && <p class="panel-note" role="status" data-testid="windows-problem">{problem}</p>}
      {list?.length === 0 && <p class="empty">No window is open.</p>}
      <ul>{list?.map((one) => <Row key={one.id} window={one} act={(verb) => void act(one, verb)} />)}</ul>
    </section>
  );
}

function Row({ window: one, act }: { readonly window: DesktopWindow; readonly act: (verb: string) => void }) {
  const may = session.has('input');
  const title = one.title || one.app || `Window ${one.id}`;
  const facts = [one.app ?? '', one.minimised ? 'minimised' : `${one.width} × ${one.height} at ${one.x}, ${one.y}`].filter((fact) => fact !== '').join(' · ');
  return (
    <li class={`file-row${one.isActive ? ' active' : ''}`} data-testid="window-row" data-title={title}>
      <button type="button" class="file-main" disabled={!may} aria-current={one.isActive ? 'true' : undefined} title="Bring to the front" data-testid="window-focus" onClick={() => act('focus')}>
        <Icon name="windows" />
        <span class="file-text">
          <span class="file-name">{title}</span>
          <span class="muted small">{facts}</span>
        </span>
      </button>
      <span class="file-acts">
        <IconButton icon="captures" label={`Screenshot of ${title}`} test="window-shot" off={one.minimised === true} act={() => void take_screenshot({ id: one.id, title })} />
        {may && (one.minimised || one.maximised
          ? <IconButton icon="restore" label={`Restore ${title}`} test="window-restore" act={() => act('restore')} />
          : <IconButton icon="maximise" label={`Maximise ${title}`} test="window-maximise" act={() => act('maximise')} />)}
        {may && !one.minimised && <IconButton icon="minimise" label={`Minimise ${title}`} test="window-minimise" act={() => act('minimise')} />}
        {may && <IconButton icon="close" label={`Close ${title}`} test="window-close" act={() => act('close')} />}
      </span>
    </li>
  );
}

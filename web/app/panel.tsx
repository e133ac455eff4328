// SPDX-License-Identifier: Apache-2.0
// The side panel: a rail of tabs, and what the chosen one shows. Panels that this sign-in may not
// use are not there.

import { ActivityList } from './activity_list.tsx';
import { CommandTimeline } from './command_timeline.tsx';
import { Icon } from './icons.tsx';
import { lazy } from './lazy.tsx';
import { follow, session, timeline } from './model.ts';
import { SupervisionTree } from './supervision_tree.tsx';
import { panel_tab, panels, type PanelId } from './tools.ts';
import { counts_of } from '../core/supervision.ts';

/** Not needed for a first look: fetched together when one of them is opened. */
const ProcessPanel = lazy(() => import('./tool_panels.ts').then((all) => all.ProcessPanel));
const FilePanel = lazy(() => import('./tool_panels.ts').then((all) => all.FilePanel));
const CapturePanel = lazy(() => import('./tool_panels.ts').then((all) => all.CapturePanel));
const WindowPanel = lazy(() => import('./tool_panels.ts').then((all) => all.WindowPanel));
const ClipboardPanel = lazy(() => import('./tool_panels.ts').then((all) => all.ClipboardPanel));

const bodies: Readonly<Record<PanelId, () => preact.JSX.Element>> = {
  tree: () => <SupervisionTree />,
  commands: () => <CommandTimeline />,
  activity: () => <ActivityList />,
  processes: () => <ProcessPanel />,
  files: () => <FilePanel />,
  captures: () => <CapturePanel />,
  windows: () => <WindowPanel />,
  clipboard: () => <ClipboardPanel />,
};

/** Of the feed: what they show may be old without it. */
const followed: readonly PanelId[] = ['tree', 'commands', 'activity'];

export function Panel() {
  const tabs = panels.filter((panel) => session.has(panel.needs));
  const tab = tabs.some((panel) => panel.id === panel_tab.value) ? panel_tab.value : 'tree';
  const counts = counts_of(follow.value.root);
  const running = timeline.value.commands.filter((command) => command.phase !== 'done').length;
  const move = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const at = tabs.findIndex(({ id }) => id === tab);
    const next = tabs[(at + step + tabs.length) % tabs.length];
    if (!next) return;
    panel_tab.value = next.id;
    document.getElementById(`tab-${next.id}`)?.focus();
  };
  return (
    <aside class="panel" aria-label="Side panel" data-testid="panel">
      <div class="tabs" role="tablist" aria-label="Panels" onKeyDown={move}>
        {tabs.map(({ id, label, icon }) => (
          <button
            type="button"
            role="tab"
            class="tab"
            key={id}
            id={`tab-${id}`}
            aria-selected={tab === id}
            aria-controls="panel-body"
            tabIndex={tab === id ? 0 : -1}
            data-testid={`tab-${id}`}
            onClick={() => { panel_tab.value = id; }}
          >
            <Icon name={icon} />
            <span class="tab-text">{label}</span>
            {id === 'tree' && counts.total > 0 && (
              <span class={`count${counts.bad > 0 ? ' bad' : ''}`} aria-label={`${counts.ready} of ${counts.total} ready`}>
                {counts.ready}/{counts.total}
              </span>
            )}
            {id === 'commands' && running > 0 && <span class="count" aria-label={`${running} running`}>{running}</span>}
          </button>
        ))}
      </div>
      <div class="panel-body" id="panel-body" role="tabpanel" aria-labelledby={`tab-${tab}`} tabIndex={0}>
        {followed.includes(tab) && !follow.value.connected && follow.value.problem !== '' && (
          <p class="panel-note" role="status">{follow.value.problem}. What is shown may be old.</p>
        )}
        {bodies[tab]()}
      </div>
    </aside>
  );
}

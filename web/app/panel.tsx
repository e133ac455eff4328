// SPDX-License-Identifier: Apache-2.0
// The side panel: what runs, what agents do, and what happened.

import { ActivityList } from './activity_list.tsx';
import { CommandTimeline } from './command_timeline.tsx';
import { follow, panel_tab, timeline } from './model.ts';
import { SupervisionTree } from './supervision_tree.tsx';
import { counts_of } from '../core/supervision.ts';

const tabs = [['tree', 'Processes'], ['commands', 'Commands'], ['activity', 'Activity']] as const;

export function Panel() {
  const counts = counts_of(follow.value.root);
  const running = timeline.value.commands.filter((command) => command.phase !== 'done').length;
  const move = (event: KeyboardEvent) => {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    const at = tabs.findIndex(([id]) => id === panel_tab.value);
    const next = tabs[(at + (event.key === 'ArrowRight' ? 1 : tabs.length - 1)) % tabs.length];
    if (next) panel_tab.value = next[0];
    document.getElementById(`tab-${panel_tab.value}`)?.focus();
  };
  return (
    <aside class="panel" aria-label="Processes, commands and activity" data-testid="panel">
      <div class="tabs" role="tablist" onKeyDown={move}>
        {tabs.map(([id, label]) => (
          <button
            type="button"
            role="tab"
            class="tab"
            key={id}
            id={`tab-${id}`}
            aria-selected={panel_tab.value === id}
            aria-controls="panel-body"
            tabIndex={panel_tab.value === id ? 0 : -1}
            data-testid={`tab-${id}`}
            onClick={() => { panel_tab.value = id; }}
          >
            {label}
            {id === 'tree' && counts.total > 0 && (
              <span class={`count${counts.bad > 0 ? ' bad' : ''}`} aria-label={`${counts.ready} of ${counts.total} ready`}>
                {counts.ready}/{counts.total}
              </span>
            )}
            {id === 'commands' && running > 0 && <span class="count" aria-label={`${running} running`}>{running}</span>}
          </button>
        ))}
      </div>
      <div class="panel-body" id="panel-body" role="tabpanel" aria-labelledby={`tab-${panel_tab.value}`} tabIndex={0}>
        {!follow.value.connected && follow.value.problem !== '' && (
          <p class="panel-note" role="status">{follow.value.problem}. What is shown may be old.</p>
        )}
        {panel_tab.value === 'tree' && <SupervisionTree />}
        {panel_tab.value === 'commands' && <CommandTimeline />}
        {panel_tab.value === 'activity' && <ActivityList />}
      </div>
    </aside>
  );
}

// SPDX-License-Identifier: Apache-2.0
// The side panel: what runs, and what happened.

import { ActivityList } from './activity_list.tsx';
import { follow, panel_tab } from './model.ts';
import { SupervisionTree } from './supervision_tree.tsx';
import { counts_of } from '../core/supervision.ts';

const tabs = [['tree', 'Processes'], ['activity', 'Activity']] as const;

export function Panel() {
  const counts = counts_of(follow.value.root);
  const move = (event: KeyboardEvent) => {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    panel_tab.value = panel_tab.value === 'tree' ? 'activity' : 'tree';
    document.getElementById(`tab-${panel_tab.value}`)?.focus();
  };
  return (
    <aside class="panel" aria-label="Processes and activity" data-testid="panel">
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
          </button>
        ))}
      </div>
      <div class="panel-body" id="panel-body" role="tabpanel" aria-labelledby={`tab-${panel_tab.value}`} tabIndex={0}>
        {!follow.value.connected && follow.value.problem !== '' && (
          <p class="panel-note" role="status">{follow.value.problem}. What is shown may be old.</p>
        )}
        {panel_tab.value === 'tree' ? <SupervisionTree /> : <ActivityList />}
      </div>
    </aside>
  );
}

// SPDX-License-Identifier: Apache-2.0
// The supervision tree: each child with its state, what it is doing about it, and how its
// earlier runs ended.

import { useSignal } from '@preact/signals';

import {
  duration_text, label_of, memory_text, tone_of, words_of_death, words_of_tally, type Death, type TreeNode,
} from '../core/supervision.ts';
import type { Verb } from '../core/follower.ts';
import { Icon } from './icons.tsx';
import { follow, follower, now_ms, say, session } from './model.ts';

export function SupervisionTree() {
  const { root, problem } = follow.value;
  if (!root)
    return (
      <p class="empty" data-testid="tree-empty">
        {problem === '' ? 'Reading the tree…' : problem}
      </p>
    );
  return (
    <ul class="tree" data-testid="tree">
      <Node node={root} top />
    </ul>
  );
}

async function act(node: TreeNode, verb: Verb): Promise<void> {
  const refused = await follower.act(node.id, verb);
  if (refused !== '') say(`${label_of(node.id)}: ${refused}`, true);
}

function Node({ node, top = false }: { readonly node: TreeNode; readonly top?: boolean }) {
  const open = useSignal(false);
  const tone = tone_of(node.state);
  const label = label_of(node.id);
  const busy = follow.value.busy.includes(node.id);
  const deaths = node.deaths.filter((death) => !death.expected);
  const details_id = `node-${node.id.replace(/[^\w-]/g, '-')}`;
  return (
    <li class={`node tone-${tone}`} data-testid={`node-${node.id}`} data-state={node.state}>
      <div class="node-row">
        <button
          type="button"
          class="node-main"
          aria-expanded={open.value}
          aria-controls={details_id}
          onClick={() => { open.value = !open.value; }}
        >
          <span class={`twist${open.value ? ' open' : ''}`}><Icon name="chevron" /></span>
          <span class="node-name">
            {label}
          </span>
          {deaths.length > 0 && (
            <span class="deaths-count" title={`${node.restarts} unexpected ends`}>
              {node.restarts || deaths.length}×
            </span>
          )}
          <span class={`state tone-${tone}`} data-testid="state">{node.state}</span>
        </button>
        {!top && session.has('admin') && <Actions node={node} busy={busy} />}
      </div>
      {node.reason !== '' && <p class="node-reason">{node.reason}{next_start(node)}</p>}
      <div id={details_id} hidden={!open.value}>
        {open.value && <Details node={node} />}
      </div>
      {node.children.length > 0 && (
        <ul>
          {node.children.map((child) => <Node key={child.id} node={child} />)}
        </ul>
      )}
    </li>
  );
}

function next_start(node: TreeNode): string {
  if (node.next_start_ms === undefined) return '';
  const left = node.next_start_ms - (now_ms.value - follow.value.fetched_at_ms);
  return left > 0 ? ` Next start in ${duration_text(left)}.` : ' Next start any moment.';
}

function Actions({ node, busy }: { readonly node: TreeNode; readonly busy: boolean }) {
  // Viewers come and go with their browsers; actors are the daemon itself.
  if (node.id.includes('/') || node.kind === 'actor') return null;
  const label = label_of(node.id);
  const down = node.state === 'stopped' || node.state === 'failed' || node.state === 'idle';
  const buttons = down ? (['start'] as const) : (['restart', 'stop'] as const);
  return (
    <span class="node-actions">
      {buttons.map((verb) => {
        const name = `${verb.charAt(0).toUpperCase()}${verb.slice(1)} ${label}`;
        return (
          <button
            type="button"
            class="icon-button small"
            key={verb}
            disabled={busy}
            aria-label={name}
            title={name}
            data-testid={verb}
            onClick={() => void act(node, verb)}
          >
            <Icon name={verb === 'start' ? 'play' : verb} />
          </button>
        );
      })}
    </span>
  );
}

function Details({ node }: { readonly node: TreeNode }) {
  const up = node.uptime_ms === undefined ? undefined : node.uptime_ms + Math.max(now_ms.value - follow.value.fetched_at_ms, 0);
  const facts: [string, string][] = [['id', node.id]];
  if (node.pid > 0) facts.push(['pid', String(node.pid)]);
  if (up !== undefined) facts.push(['up', duration_text(up)]);
  facts.push(['start', `#${node.generation}`]);
  if (node.optional) facts.push(['optional', 'yes']);
  if (node.depends_on.length > 0) facts.push(['needs', node.depends_on.join(', ')]);
  return (
    <div class="node-details">
      <dl>
        {facts.map(([name, value]) => (
          <div key={name}><dt>{name}</dt><dd class="mono">{value}</dd></div>
        ))}
      </dl>
      {node.budget_limit > 0 && (
        <label class="budget">
          Restart budget: {node.budget_used} of {node.budget_limit} used
          <meter min={0} max={node.budget_limit} high={node.budget_limit - 2} value={node.budget_used} />
        </label>
      )}
      {node.deaths.length > 0 && (
        <ol class="deaths">
          {[...node.deaths].reverse().map((death) => <DeathRecord key={`${death.generation}-${death.at}`} death={death} />)}
        </ol>
      )}
      {node.tally && <p class="muted" data-testid="death-tally">{words_of_tally(node.tally)}</p>}
    </div>
  );
}

export function DeathRecord({ death }: { readonly death: Death }) {
  const at = new Date(death.at);
  return (
    <li class={`death${death.expected ? ' expected' : ''}`} data-testid="death">
      <p>
        <strong>{death.expected ? 'Stopped as asked' : words_of_death(death)}</strong>
        <span class="muted"> after {duration_text(death.uptime_ms)}, start #{death.generation}</span>
        {!Number.isNaN(at.valueOf()) && <time dateTime={death.at}>{at.toLocaleTimeString()}</time>}
      </p>
      {death.detail !== '' && <p>{death.detail}</p>}
      {death.peak_rss_bytes !== undefined && <p class="muted">peak memory {memory_text(death.peak_rss_bytes)}</p>}
      {death.last_lines.length > 0 && (
        <details>
          <summary>Last {death.last_lines.length} lines of output</summary>
          <pre class="log" tabIndex={0}>{death.last_lines.join('\n')}</pre>
        </details>
      )}
    </li>
  );
}

// SPDX-License-Identifier: Apache-2.0
// One line of facts: resolution, frames, round trip, engine, version.

import { figures, health, rtt_ms, view } from './model.ts';

function tone(rtt: number): string {
  return rtt < 50 ? 'good' : rtt < 150 ? 'warn' : 'bad';
}

export function StatusLine() {
  const { screen, phase, engine, engine_version } = view.value;
  const f = figures.value;
  const rtt = rtt_ms.value ?? f?.ice_rtt_ms;
  const live = phase === 'live';
  const degraded = health.value.degraded ?? [];
  return (
    <footer class="status" data-testid="status-line" aria-label="Stream">
      <span data-testid="resolution">{screen ? `${screen.width} × ${screen.height}` : 'No picture'}</span>
      <span data-testid="fps" title="A still desktop sends no frames">
        {!live || !f ? '– fps' : f.fps < 0.5 ? 'still, 0 fps' : `${f.fps.toFixed(0)} fps`}
      </span>
      <span class={live && rtt !== undefined ? `rtt tone-${tone(rtt)}` : 'rtt'} data-testid="rtt" title="Round trip of input">
        {live && rtt !== undefined ? `${rtt < 10 ? rtt.toFixed(1) : rtt.toFixed(0)} ms` : '– ms'}
      </span>
      <span data-testid="engine">{engine === '' ? 'No engine' : `Engine ${engine} ${engine_version}`.trim()}</span>
      {degraded.length > 0 && <span class="degraded" data-testid="degraded">Without {degraded.join(', ')}</span>}
      <span class="push">{health.value.version ? `Holt ${health.value.version}` : 'Holt'}</span>
    </footer>
  );
}

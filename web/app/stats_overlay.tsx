// SPDX-License-Identifier: Apache-2.0
// The figures of the stream, over the picture's corner.

import { figures, remember, rtt_ms, stats_open, view } from './model.ts';
import { Icon } from './icons.tsx';

export function toggle_stats(): void {
  stats_open.value = !stats_open.value;
  remember('stats', stats_open.value ? 'open' : '');
}

function rows(): readonly (readonly [string, string])[] {
  const f = figures.value;
  const { first_frame_ms, engine, engine_version } = view.value;
  const head: (readonly [string, string])[] = [['Engine', `${engine || 'unknown'} ${engine_version}`.trim()]];
  if (!f) return [...head, ['Stream', 'no figures yet']];
  return [
    ...head,
    ['Picture', f.width > 0 ? `${f.width} × ${f.height} ${f.codec}` : 'none yet'],
    ['Frames', `${f.fps.toFixed(1)} /s`],
    ['Dropped · freezes', `${f.frames_dropped} · ${f.freezes}`],
    ['Video', `${Math.round(f.video_kbps)} kbit/s`],
    ['Sound', f.audio_codec === '' ? 'none' : `${Math.round(f.audio_kbps)} kbit/s ${f.audio_codec}`],
    ['Loss · jitter', `${f.loss_percent.toFixed(1)} % · ${f.jitter_ms.toFixed(1)} ms`],
    ['Buffer · decode', `${f.buffer_ms.toFixed(0)} ms · ${f.decode_ms.toFixed(1)} ms`],
    ['Input round trip', rtt_ms.value === undefined ? 'unknown' : `${rtt_ms.value.toFixed(0)} ms`],
    ['ICE round trip', f.ice_rtt_ms === undefined ? 'unknown' : `${f.ice_rtt_ms.toFixed(0)} ms`],
    ['First picture', first_frame_ms === undefined ? 'unknown' : `${Math.round(first_frame_ms)} ms`],
    ['Key frames · PLI', `${f.key_frames} · ${f.pli_sent}`],
    ['Path', f.remote_address === '' ? 'unknown' : `${f.transport} ${f.remote_address}`],
  ];
}

export function StatsOverlay() {
  return (
    <aside class="stats" aria-label="Stream statistics" data-testid="stats">
      <header>
        <h2>Stream</h2>
        <button type="button" class="icon-button small" aria-label="Close statistics" onClick={toggle_stats}>
          <Icon name="close" />
        </button>
      </header>
      <dl>
        {rows().map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </aside>
  );
}

// SPDX-License-Identifier: Apache-2.0
// Figures from two getStats() reports. Rates come from the difference; the first report has none.

export interface StreamFigures {
  readonly width: number;
  readonly height: number;
  /** Frames decoded a second between the last two reports. */
  readonly fps: number;
  readonly video_kbps: number;
  readonly audio_kbps: number;
  /** Packets lost, per cent of those since the last report. */
  readonly loss_percent: number;
  readonly frames_dropped: number;
  readonly freezes: number;
  readonly jitter_ms: number;
  /** Time that a frame waits in the jitter buffer, mean since the last report. */
  readonly buffer_ms: number;
  readonly decode_ms: number;
  readonly codec: string;
  readonly audio_codec: string;
  /** Round trip that ICE measures; the data channel's own is in the viewer state. */
  readonly ice_rtt_ms: number | undefined;
  readonly local_address: string;
  readonly remote_address: string;
  readonly transport: string;
  readonly key_frames: number;
  readonly pli_sent: number;
}

export type Report = Iterable<Record<string, unknown>>;

interface Sample {
  readonly at_ms: number;
  readonly by_id: Map<string, Record<string, unknown>>;
  readonly video: Record<string, unknown> | undefined;
  readonly audio: Record<string, unknown> | undefined;
}

function number_in(entry: Record<string, unknown> | undefined, key: string): number {
  const value = entry?.[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

function text_in(entry: Record<string, unknown> | undefined, key: string): string {
  const value = entry?.[key];
  return typeof value === 'string' ? value : '';
}

export class StatsReader {
  #last: Sample | undefined;

  reset(): void {
    this.#last = undefined;
  }

  read(report: Report, now_ms: number): StreamFigures {
    const sample = sample_of(report, now_ms);
    const before = this.#last;
    this.#last = sample;
    const seconds = before ? Math.max((now_ms - before.at_ms) / 1000, 0.001) : 0;
    const delta = (kind: 'video' | 'audio', key: string) =>
      before ? Math.max(number_in(sample[kind], key) - number_in(before[kind], key), 0) : 0;
    const rate = (kind: 'video' | 'audio', key: string) => (before ? delta(kind, key) / seconds : 0);
    const mean_ms = (sum: string, count: string) => {
      const events = delta('video', count);
      return events > 0 ? (delta('video', sum) / events) * 1000 : 0;
    };
    const lost = delta('video', 'packetsLost');
    const received = delta('video', 'packetsReceived');
    const pair = selected_pair(sample);
    const local = sample.by_id.get(text_in(pair, 'localCandidateId'));
    const remote = sample.by_id.get(text_in(pair, 'remoteCandidateId'));
    const rtt = pair?.currentRoundTripTime;
    return {
      width: number_in(sample.video, 'frameWidth'),
      height: number_in(sample.video, 'frameHeight'),
      fps: rate('video', 'framesDecoded'),
      video_kbps: (rate('video', 'bytesReceived') * 8) / 1000,
      audio_kbps: (rate('audio', 'bytesReceived') * 8) / 1000,
      loss_percent: lost + received > 0 ? (100 * lost) / (lost + received) : 0,
      frames_dropped: number_in(sample.video, 'framesDropped'),
      freezes: number_in(sample.video, 'freezeCount'),
      jitter_ms: number_in(sample.video, 'jitter') * 1000,
      buffer_ms: mean_ms('jitterBufferDelay', 'jitterBufferEmittedCount'),
      decode_ms: mean_ms('totalDecodeTime', 'framesDecoded'),
      codec: codec_of(sample, sample.video),
      audio_codec: codec_of(sample, sample.audio),
      ice_rtt_ms: typeof rtt === 'number' ? rtt * 1000 : undefined,
      local_address: address_of(local),
      remote_address: address_of(remote),
      transport: text_in(remote, 'protocol') || text_in(local, 'protocol'),
      key_frames: number_in(sample.video, 'keyFramesDecoded'),
      pli_sent: number_in(sample.video, 'pliCount'),
    };
  }
}

function sample_of(report: Report, at_ms: number): Sample {
  const by_id = new Map<string, Record<string, unknown>>();
  let video: Record<string, unknown> | undefined;
  let audio: Record<string, unknown> | undefined;
  for (const entry of report) {
    by_id.set(text_in(entry, 'id'), entry);
    if (entry.type !== 'inbound-rtp') continue;
    if (entry.kind === 'video') video = entry;
    else if (entry.kind === 'audio') audio = entry;
  }
  return { at_ms, by_id, video, audio };
}

function selected_pair(sample: Sample): Record<string, unknown> | undefined {
  for (const entry of sample.by_id.values()) {
    if (entry.type !== 'transport') continue;
    const pair = sample.by_id.get(text_in(entry, 'selectedCandidatePairId'));
    if (pair) return pair;
  }
  for (const entry of sample.by_id.values())
    if (entry.type === 'candidate-pair' && entry.nominated === true) return entry;
  return undefined;
}

function codec_of(sample: Sample, stream: Record<string, unknown> | undefined): string {
  const codec = sample.by_id.get(text_in(stream, 'codecId'));
  return text_in(codec, 'mimeType').replace(/^(video|audio)\//, '');
}

function address_of(candidate: Record<string, unknown> | undefined): string {
  const address = text_in(candidate, 'address');
  const port = number_in(candidate, 'port');
  return address === '' ? '' : `${address}:${port}`;
}

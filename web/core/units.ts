// SPDX-License-Identifier: Apache-2.0
// Sizes and times in words. Pure.

export function size_text(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ['kB', 'MB', 'GB', 'TB'] as const;
  let value = bytes / 1000;
  let at = 0;
  while (value >= 999.5 && at < units.length - 1) {
    value /= 1000;
    at += 1;
  }
  return `${value < 9.95 ? value.toFixed(1) : value.toFixed(0)} ${units[at]}`;
}

/** Today: the time; else the day too. */
export function when_text(ms: number, now_ms: number): string {
  const at = new Date(ms);
  if (Number.isNaN(at.valueOf())) return '';
  if (at.toDateString() === new Date(now_ms).toDateString()) return at.toLocaleTimeString();
  return at.toLocaleString(undefined, { year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' });
}

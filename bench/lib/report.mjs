// SPDX-License-Identifier: Apache-2.0
// Rows of a bench: numbers in, a table and a JSON file out. Every row carries the machine's load.
import { mkdirSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { dirname } from "node:path";

export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length === 0) return NaN;
  const at = (sorted.length - 1) * q;
  const low = Math.floor(at);
  return sorted[low] + (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]) * (at - low);
}

export const median = (values) => quantile(values, 0.5);

const shown = (value) => (Number.isFinite(value) ? (Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(Math.abs(value) >= 10 ? 1 : 2)) : "–");

export class Report {
  constructor(title) {
    this.title = title;
    this.rows = [];
    console.log(`\n${title}\n${"".padEnd(title.length, "=")}`);
    console.log(["measure".padEnd(52), "n".padStart(5), "median".padStart(9), "min".padStart(9), "p95".padStart(9), "unit".padEnd(8), "aim".padStart(9), "verdict".padEnd(7), "load"].join("  "));
  }

  /** `aim` is the most that the median may be; without one the row is for reading only. */
  add(name, values, unit, aim) {
    const numbers = (Array.isArray(values) ? values : [values]).filter(Number.isFinite);
    const row = { name, n: numbers.length, median: median(numbers), min: quantile(numbers, 0), p95: quantile(numbers, 0.95), unit, aim, load: loadavg()[0] };
    row.verdict = aim === undefined ? "" : row.n > 0 && row.median <= aim ? "met" : "MISSED";
    this.rows.push(row);
    console.log([name.padEnd(52), String(row.n).padStart(5), shown(row.median).padStart(9), shown(row.min).padStart(9), shown(row.p95).padStart(9), unit.padEnd(8), (aim === undefined ? "" : `≤ ${aim}`).padStart(9), row.verdict.padEnd(7), row.load.toFixed(1)].join("  "));
    return row.median;
  }

  note(text) {
    console.log(`  ${text}`);
  }

  write(path) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${JSON.stringify({ title: this.title, rows: this.rows }, null, 1)}\n`);
    const missed = this.rows.filter((row) => row.verdict === "MISSED");
    const aims = this.rows.filter((row) => row.verdict !== "");
    console.log(`\n${aims.length - missed.length} of ${aims.length} aims met${missed.length > 0 ? `; missed: ${missed.map((row) => row.name).join("; ")}` : ""}\n`);
  }
}

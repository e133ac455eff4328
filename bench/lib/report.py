# SPDX-License-Identifier: Apache-2.0
"""Rows of a bench: numbers in, a table and a JSON file out. Every row carries the machine's load."""

from __future__ import annotations

import json
import os
from pathlib import Path


def quantile(values: list[float], q: float) -> float:
    rows = sorted(values)
    if not rows:
        return float("nan")
    at = (len(rows) - 1) * q
    low = int(at)
    return rows[low] + (rows[min(low + 1, len(rows) - 1)] - rows[low]) * (at - low)


def shown(value: float) -> str:
    size = abs(value)
    return f"{value:.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.3f}"


class Report:
    def __init__(self, title: str):
        self.title, self.rows = title, []
        print(f"\n{title}\n{'=' * len(title)}")
        print(f"{'measure':52}  {'n':>5}  {'median':>9}  {'min':>9}  {'p95':>9}  {'unit':8}  {'aim':>9}  "
              f"{'verdict':7}  load")

    def add(self, name: str, values, unit: str, aim: float | None = None) -> float:
        """`aim` is the most that the median may be; without one the row is for reading only."""
        values = values if isinstance(values, list) else [values]
        median = quantile(values, 0.5)
        verdict = "" if aim is None else "met" if values and median <= aim else "MISSED"
        row = {"name": name, "n": len(values), "median": median, "min": quantile(values, 0),
               "p95": quantile(values, 0.95), "unit": unit, "aim": aim, "verdict": verdict,
               "load": os.getloadavg()[0]}
        self.rows.append(row)
        print(f"{name:52}  {row['n']:5}  {shown(median):>9}  {shown(row['min']):>9}  "
              f"{shown(row['p95']):>9}  {unit:8}  "
              f"{'' if aim is None else f'≤ {aim}':>9}  {verdict:7}  {row['load']:.1f}", flush=True)
        return median

    def note(self, text: str) -> None:
        print(f"  {text}", flush=True)

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"title": self.title, "rows": self.rows}, indent=1) + "\n")
        aims = [row for row in self.rows if row["verdict"]]
        missed = [row["name"] for row in aims if row["verdict"] == "MISSED"]
        print(f"\n{len(aims) - len(missed)} of {len(aims)} aims met"
              + (f"; missed: {'; '.join(missed)}" if missed else "") + "\n")

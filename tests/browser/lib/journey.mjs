// SPDX-License-Identifier: Apache-2.0
// One test of the suite. It runs on the engine under test; where the real neko is not given, its
// twin says so by name.
import { test } from "node:test";
import { ENGINE, slack } from "./daemon.mjs";

const LIMIT_MS = 90_000;
const LEAST_SLACK = 2; // it is set once, before anybody knows how busy the machine will be

export function journey(name, body, { timeout = LIMIT_MS } = {}) {
  test(ENGINE === "neko" ? `neko: ${name}` : name, { timeout: timeout * Math.max(LEAST_SLACK, slack()) }, body);
  if (ENGINE !== "neko" && !process.env.HOLT_NEKO) test(`neko: ${name}`, { skip: "HOLT_NEKO is not set" }, () => {});
}

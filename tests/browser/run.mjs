// SPDX-License-Identifier: Apache-2.0
// Runs the browser suite: on the built-in engine, and again on the real neko where HOLT_NEKO names
// it. Neko reaches a browser on a bare host only through an address that is not loopback, so that
// pass has a network namespace of its own with a veth pair.
//   node tests/browser/run.mjs [--junit FILE] [TEST FILE...]
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const here = import.meta.dirname;
const given = process.argv.slice(2);
const at = given.indexOf("--junit");
const junit = at >= 0 ? given.splice(at, 2)[1] : undefined;
const files = given.length > 0 ? given : readdirSync(here).filter((name) => name.endsWith(".test.mjs")).sort().map((name) => join(here, name));
const ADDRESS = "10.213.77.1";
const reports = mkdtempSync(join(tmpdir(), "holt-junit-"));

function suite(name, env, before = []) {
  const report = join(reports, `${name}.xml`);
  const command = [...before, process.execPath, "--test", "--test-concurrency=1", "--test-reporter=spec", "--test-reporter-destination=stdout", "--test-reporter=junit", `--test-reporter-destination=${report}`, ...files];
  const done = spawnSync(command[0], command.slice(1), { stdio: "inherit", env: { ...process.env, ...env } });
  return { code: done.status ?? 1, report };
}

/** Cases of a report; node nests them in suites, one per file. */
function cases(report) {
  const text = readFileSync(report, "utf8");
  return text.slice(text.indexOf("<testsuites>") + "<testsuites>".length, text.lastIndexOf("</testsuites>"));
}

const results = [suite("builtin", {})];
let skipped = "";
if (process.env.HOLT_NEKO) {
  const own = process.getuid() === 0 ? ["unshare", "--net", "--mount"] : ["unshare", "--map-root-user", "--net", "--mount"];
  // X servers find a free number by their abstract sockets, which are per network namespace: without
  // a folder of its own for the other kind, they would take over those of the servers outside. Without
  // link-local addresses: neko cannot bind one that the kernel is still trying out.
  const network = `mkdir -p /tmp/.X11-unix && mount -t tmpfs tmpfs /tmp/.X11-unix && ip link set lo up && ip link add holt0 type veth peer name holt1 && ip link set holt0 addrgenmode none && ip link set holt1 addrgenmode none && ip addr add ${ADDRESS}/24 dev holt0 && ip link set holt0 up && ip link set holt1 up`;
  const probe = spawnSync(own[0], [...own.slice(1), "sh", "-c", network], { encoding: "utf8" });
  if (probe.status === 0) {
    results.push(suite("neko", { HOLT_TEST_ENGINE: "neko", HOLT_TEST_ADDRESS: ADDRESS }, [...own, "sh", "-c", `${network} && exec "$@"`, "sh"]));
  } else {
    const why = `no network namespace here (${(probe.stderr || String(probe.error)).trim()})`;
    console.log(`SKIPPED neko: ${why}`);
    skipped = `<testcase name="neko: the whole suite" classname="test"><skipped type="skipped" message="${why.replace(/[<>&"]/g, " ")}"/></testcase>`;
  }
}
if (junit) writeFileSync(junit, `<?xml version="1.0" encoding="utf-8"?>\n<testsuites>${results.map((r) => cases(r.report)).join("")}${skipped}</testsuites>\n`);
rmSync(reports, { recursive: true, force: true });
process.exit(results.some((r) => r.code !== 0) ? 1 : 0);

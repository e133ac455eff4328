// SPDX-License-Identifier: Apache-2.0
// The panels beside the desktop, each used as a person would, on the real daemon; what they did is
// asked of the daemon itself. Each is readable by machines (axe), and none breaks the content policy.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before } from "node:test";
import { Daemon, ENGINE, root, waitFor } from "./lib/daemon.mjs";
import { journey } from "./lib/journey.mjs";
import { launch, Viewer } from "./lib/viewer.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const OUT = join(root, "build", "screenshots");
let daemon, browser, viewer, workspace;

before(async () => {
  mkdirSync(OUT, { recursive: true });
  daemon = await Daemon.start();
  workspace = join(daemon.home, "workspace");
  browser = await launch();
  viewer = await Viewer.open(browser, daemon);
});

after(async () => {
  await browser?.close();
  await daemon?.stop();
});

/** A picture for people, and nothing that a screen reader stumbles over. */
async function look(name) {
  await viewer.page.screenshot({ path: join(OUT, `${ENGINE}-panel-${name}.png`) });
  await viewer.page.evaluate(AXE);
  const { violations } = await viewer.page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  assert.deepEqual(violations.filter((v) => v.impact === "serious" || v.impact === "critical").map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).join(", ")}`), []);
  assert.deepEqual([viewer.problems, viewer.foreign], [[], []]);
}

const answer = async (name) => viewer.part(`ask-${name}`).click();
const file = (name) => viewer.page.locator(`[data-testid=file-row][data-name="${name}"]`);

journey("processes are listed with their output, signalled, killed and removed", async () => {
  const failed = await daemon.call("POST", "/v1/processes", { command: "sh", args: ["-c", "echo to-out; echo to-err >&2; exit 4"] });
  const runs = await daemon.call("POST", "/v1/processes", { command: "sh", args: ["-c", "trap 'echo got-usr1' USR1; echo begun; while :; do sleep 0.1; done"] });
  const row = (process) => viewer.part(`process-${process.id}`);
  await viewer.part("tab-processes").click();
  await row(failed).getByTestId("process-state").getByText("exit 4").waitFor();
  await row(failed).locator(".node-main").click();
  await row(failed).getByTestId("process-log").getByText("to-err").waitFor();
  await row(failed).getByTestId("process-ended").getByText("Ended with exit code 4.").waitFor();
  await row(runs).locator(".node-main").click();
  await row(runs).getByTestId("process-log").getByText("begun").waitFor();
  await row(runs).getByTestId("process-signal").selectOption("USR1");
  await row(runs).getByTestId("process-send").click();
  await row(runs).getByTestId("process-log").getByText("got-usr1").waitFor();
  await look("processes");
  await row(runs).getByTestId("process-kill").click();
  await answer("kill");
  await row(runs).getByTestId("process-state").getByText("SIGKILL").waitFor();
  await row(runs).getByTestId("process-remove").click();
  await row(runs).waitFor({ state: "detached" });
});

journey("files are browsed, looked at, uploaded, renamed and deleted, and the list follows changes from elsewhere", async () => {
  writeFileSync(join(workspace, "notes.txt"), "a line of text\n");
  writeFileSync(join(workspace, "dot.svg"), '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>window.parent.hurt = 1</script><rect width="9" height="9"/></svg>');
  mkdirSync(join(workspace, "folder"));
  await viewer.part("tab-files").click();
  await file("notes.txt").locator(".file-main").click();
  await viewer.part("preview-text").getByText("a line of text").waitFor();
  await viewer.part("lightbox-close").click();
  await file("dot.svg").locator(".file-main").click();
  await waitFor("the picture", () => viewer.page.evaluate(() => document.querySelector(".lightbox img")?.naturalWidth > 0));
  assert.equal(await viewer.page.evaluate(() => window.hurt), undefined);
  await viewer.page.keyboard.press("Escape");

  writeFileSync(join(workspace, "from-elsewhere"), "");
  await file("from-elsewhere").waitFor();
  const big = Buffer.alloc(3_000_000, 7);
  await viewer.part("files-input").setInputFiles([{ name: "new.bin", mimeType: "", buffer: big }, { name: "notes.txt", mimeType: "", buffer: Buffer.from("replaced") }]);
  await viewer.page.locator("[data-testid=upload][data-phase=exists]").waitFor();
  assert.equal(readFileSync(join(workspace, "notes.txt"), "utf8"), "a line of text\n");
  await viewer.part("upload-replace").click();
  await waitFor("both uploads", async () => (await viewer.page.locator("[data-testid=upload][data-phase=done]").count()) === 2);
  assert.equal(readFileSync(join(workspace, "notes.txt"), "utf8"), "replaced");
  assert.ok(readFileSync(join(workspace, "new.bin")).equals(big));
  await viewer.part("files").evaluate((panel) => {
    const data = new DataTransfer();
    data.items.add(new File(["dropped"], "dropped.txt"));
    panel.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
  });
  await file("dropped.txt").waitFor();
  await look("files");

  const download = viewer.page.waitForEvent("download");
  await file("new.bin").getByTestId("file-download").click();
  assert.ok(readFileSync(await (await download).path()).equals(big));
  await viewer.part("files-mkdir").click();
  await viewer.part("ask-text").fill("made");
  await look("question");
  await viewer.page.keyboard.press("Enter");
  await file("made").getByTestId("file-rename").click();
  await viewer.part("ask-text").fill("renamed");
  await viewer.page.keyboard.press("Enter");
  await file("renamed").getByTestId("file-delete").click();
  await answer("cancel");
  assert.ok(existsSync(join(workspace, "renamed")));
  await file("renamed").getByTestId("file-delete").click();
  await answer("delete");
  await file("renamed").waitFor({ state: "detached" });
  await viewer.part("files-path").fill("/nowhere/at-all");
  await viewer.page.keyboard.press("Enter");
  await viewer.part("files-problem").waitFor();
  await viewer.part("files-workspace").click();
  await file("folder").waitFor();
});

journey("windows are focused, minimised, pictured and closed; screenshots are kept", async () => {
  await viewer.live();
  const program = await daemon.launch("xterm", ["-T", "A window"]);
  try {
    await viewer.part("tab-windows").click();
    const row = viewer.page.locator('[data-title="A window"]');
    await row.getByTestId("window-minimise").click();
    await row.getByTestId("window-restore").click();
    await row.getByTestId("window-minimise").waitFor();
    await row.getByTestId("window-focus").click();
    await viewer.page.locator('.active[data-title="A window"]').waitFor();
    await row.getByTestId("window-shot").click();
    await viewer.part("toast").getByText("Screenshot taken").waitFor();
    await look("windows");
    await row.getByTestId("window-close").click();
    await row.waitFor({ state: "detached" });
  } finally {
    program.kill();
  }
  await viewer.part("tab-captures").click();
  await viewer.part("take-screenshot").click();
  await waitFor("two screenshots", async () => (await viewer.part("shot").count()) === 2);
  const sizes = await waitFor("their pictures", () => viewer.page.evaluate(() => {
    const all = [...document.querySelectorAll(".shot img")].map((one) => one.naturalWidth);
    return all.every((width) => width > 0) && all;
  }));
  assert.equal(sizes[0], 1280);
  await look("captures");
});

journey("the clipboard is written and read by hand", async () => {
  await viewer.live();
  const first = viewer.page.waitForResponse((answer) => answer.url().includes("/v1/desktop/clipboard"));
  await viewer.part("tab-clipboard").click();
  await first; // the button is there before the first read begins, which would write over what is filled in
  await waitFor("the first read", () => viewer.part("clip-read").isEnabled());
  await viewer.part("clip-text").fill("grüße 漢字");
  await viewer.part("clip-write").click();
  await waitFor("the clipboard", async () => (await daemon.call("GET", "/v1/desktop/clipboard")).text === "grüße 漢字");
  await daemon.call("POST", "/v1/desktop/clipboard", { text: "from the agent" });
  await waitFor("what is there now", async () => (await viewer.part("clip-text").inputValue()) === "from the agent");
  await viewer.part("clip-text").fill("half a sentence");
  const dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  await daemon.call("POST", "/v1/desktop/clipboard", { html: "<b>bold</b><script>window.hurt = 1</script>", image: dot });
  await viewer.part("clip-stale").waitFor();
  assert.equal(await viewer.part("clip-text").inputValue(), "half a sentence");
  await waitFor("the source", async () => (await viewer.part("clip-html").textContent()) === "<b>bold</b><script>window.hurt = 1</script>");
  await waitFor("the picture", () => viewer.page.evaluate(() => document.querySelector(".clip-image")?.naturalWidth === 1));
  assert.equal(await viewer.page.evaluate(() => window.hurt), undefined);
  await viewer.part("clip-read").click();
  await waitFor("its text", async () => (await viewer.part("clip-text").inputValue()) === "bold");
  await look("clipboard");
});

journey("who may only watch sees only the panels that show", async () => {
  const watcher = await Viewer.open(browser, daemon, { link: await daemon.link("--view") });
  await watcher.part("tab-windows").waitFor();
  const tabs = await watcher.page.locator("[data-testid=panel] [role=tab]").evaluateAll((all) => all.map((one) => one.id));
  assert.deepEqual(tabs, ["tab-tree", "tab-commands", "tab-activity", "tab-captures", "tab-windows"]);
  await watcher.part("tab-captures").click();
  await watcher.part("take-screenshot").click();
  await watcher.part("shot").waitFor();
  assert.equal(await watcher.part("record-start").count(), 0);
  await watcher.close();
});

// SPDX-License-Identifier: Apache-2.0
// What an agent does, as a person sees it: commands that come over the daemon's own Realtime, in the
// timeline of the page while they run.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import { Daemon, ENGINE, root, waitFor } from "./lib/daemon.mjs";
import { journey } from "./lib/journey.mjs";
import { launch, Viewer } from "./lib/viewer.mjs";

const OUT = join(root, "build", "screenshots");
let daemon, browser;

before(async () => {
  mkdirSync(OUT, { recursive: true });
  daemon = await Daemon.start("--activity-mask", "s3cret-word");
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await daemon?.stop();
});

/** A simple agent: protocol 2.0.0 over the browser's kind of socket that Node has. */
class Agent {
  results = new Map();

  static async join({ url, key, session }) {
    const agent = new Agent();
    agent.topic = `realtime:sandbox:${session}`;
    agent.socket = new WebSocket(`${url.replace(/^http/, "ws")}/websocket?apikey=${key}&vsn=2.0.0`);
    let joined = false;
    agent.socket.onmessage = ({ data }) => {
      const [, ref, , event, payload] = JSON.parse(data);
      if (event === "phx_reply" && ref === "1") joined = payload.status === "ok";
      if (event === "broadcast" && payload.payload.type === "result") agent.results.set(payload.payload.id, payload.payload);
    };
    agent.socket.onopen = () => agent.say("1", "phx_join", { config: { broadcast: { ack: false, self: false }, presence: { enabled: false, key: "" }, private: false } });
    await waitFor("the agent to be joined", () => joined);
    return agent;
  }

  say(ref, event, payload) {
    this.socket.send(JSON.stringify(["1", ref, this.topic, event, payload]));
  }

  send(command) {
    this.say("2", "broadcast", { type: "broadcast", event: "cmd", payload: command });
  }

  result(id) {
    return waitFor(`the result of ${id}`, () => this.results.get(id));
  }

  close() {
    this.socket.close();
  }
}

/** The row of the command with these words. */
const row = (viewer, words) => viewer.page.locator(".command-row", { hasText: words });

journey("commands of an agent are seen live, cancelled and filtered", async () => {
  const viewer = await Viewer.open(browser, daemon);
  await viewer.live();
  await viewer.part("tab-commands").click();
  const agent = await Agent.join(daemon.info.realtime);

  agent.send({ type: "fs.write", id: "req_1", path: "hello.py", content: "print('hello')\n" });
  await agent.result("req_1"); // commands run at once, in no order
  agent.send({ type: "shell.exec", id: "req_2", cmd: "python3 hello.py; echo s3cret-word >&2; exit 3" });
  assert.equal((await agent.result("req_2")).stdout, "hello\n");
  assert.equal((await agent.result("req_2")).stderr, "s3cret-word\n", "the agent itself gets everything");
  const ended = row(viewer, "exit 3").and(viewer.page.locator("[data-phase=done]")); // a running one is open, and would be closed
  await ended.locator(".node-main").click();
  const output = ended.getByTestId("command-output");
  await waitFor("the output", async () => /hello\n/.test(await output.textContent()));
  const seen = await viewer.part("timeline").textContent();
  assert.ok(!seen.includes("s3cret-word"), "a masked secret is on the page");
  assert.match(seen, /\*\*\*/);

  agent.send({ type: "shell.exec", id: "req_3", cmd: "echo started; sleep 100", stream: true, src: "agent-1" });
  await row(viewer, "running").getByTestId("command-output").getByText("started").waitFor();
  await viewer.page.screenshot({ path: join(OUT, `${ENGINE}-commands.png`) });
  await row(viewer, "running").getByTestId("cancel").click();
  const cancelled = await agent.result("req_3");
  assert.deepEqual([cancelled.ok, cancelled.error, cancelled.stdout], [false, "cancelled", "started\n"]);
  await row(viewer, "Cancelled").waitFor();

  await viewer.part("command-show").selectOption("files");
  assert.equal(await viewer.page.locator(".command-row").count(), 1);
  await viewer.part("command-show").selectOption("all");
  agent.close();
  assert.deepEqual(viewer.problems, []);
  await viewer.close();
});

journey("a page that is opened later has what happened before, and one that may only watch cancels nothing", async () => {
  const agent = await Agent.join(daemon.info.realtime);
  agent.send({ type: "shell.exec", id: "req_9", cmd: "echo early; sleep 100" });
  const viewer = await Viewer.open(browser, daemon, { link: await daemon.link("--view") });
  await viewer.live();
  await viewer.part("tab-commands").click();
  await row(viewer, "running").getByTestId("command-output").getByText("early").waitFor();
  assert.equal(await viewer.part("cancel").count(), 0);
  agent.send({ type: "cancel", id: "req_10", target: "req_9" });
  assert.equal((await agent.result("req_9")).error, "cancelled");
  agent.close();
  await viewer.close();
});

// SPDX-License-Identifier: Apache-2.0
// What a small Node stack reaches: a Realtime-like broker and a sandbox in one process, written for
// comparison only (no journal, no limits, no presence). node_stack.mjs WORKSPACE; prints its port.
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(new URL("../../tests/clients/package.json", import.meta.url));
const { WebSocketServer } = require("ws");
const workspace = process.argv[2];
const topics = new Map();

async function run(command) {
  const file = () => join(workspace, command.path);
  switch (command.type) {
    case "fs.read":
      return { ok: true, content: await readFile(file(), "utf8") };
    case "fs.write":
      await writeFile(file(), command.content);
      return { ok: true };
    case "shell.exec":
      return await new Promise((done) =>
        execFile("/bin/sh", ["-c", command.cmd], { cwd: workspace }, (failed, stdout, stderr) =>
          done({ ok: true, stdout, stderr, exit_code: failed?.code ?? 0 })));
    default:
      return { ok: false, error: "unsupported" };
  }
}

const server = createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on("connection", (ws) => {
  ws.on("message", async (data) => {
    const [join_ref, ref, topic, event, payload] = JSON.parse(data);
    const members = topics.get(topic) ?? topics.set(topic, new Set()).get(topic);
    if (event === "phx_join") {
      members.add(ws);
      ws.on("close", () => members.delete(ws));
      ws.send(JSON.stringify([join_ref, ref, topic, "phx_reply", { status: "ok", response: { postgres_changes: [] } }]));
    } else if (event === "broadcast") {
      const out = JSON.stringify([null, null, topic, "broadcast", payload]);
      for (const other of members) if (other !== ws) other.send(out);
      const command = payload.payload;
      const result = { type: "result", id: command.id, ...(await run(command)) };
      const answer = JSON.stringify([null, null, topic, "broadcast", { type: "broadcast", event: "result", payload: result }]);
      for (const other of members) other.send(answer);
    }
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));

// SPDX-License-Identifier: Apache-2.0
// A plain WebSocket echo: the floor of Node's ws. Prints its port.
import { createServer } from "node:http";
import { createRequire } from "node:module";

const require = createRequire(new URL("../../tests/clients/package.json", import.meta.url));
const { WebSocketServer } = require("ws");
const server = createServer();
new WebSocketServer({ server, perMessageDeflate: false }).on("connection", (ws) =>
  ws.on("message", (data, binary) => ws.send(data, { binary })));
server.listen(0, "127.0.0.1", () => console.log(server.address().port));

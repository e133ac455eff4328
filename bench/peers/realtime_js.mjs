// SPDX-License-Identifier: Apache-2.0
// Round trips of the official JavaScript client against a real daemon:
// realtime_js.mjs URL KEY SESSION COUNT COMMAND. Prints the microseconds of each.
import { createRequire } from "node:module";

const require = createRequire(new URL("../../tests/clients/package.json", import.meta.url));
const { RealtimeClient } = require("@supabase/realtime-js");
const [url, key, session, count, command] = process.argv.slice(2);
const client = new RealtimeClient(url, { params: { apikey: key }, transport: require("ws") });
const channel = client.channel(`sandbox:${session}`, { config: { broadcast: { ack: false, self: false } } });
let waiting;
channel.on("broadcast", { event: "result" }, ({ payload }) => waiting?.(payload));
await new Promise((done, failed) => {
  setTimeout(() => failed(new Error("not joined within 10 s")), 10_000).unref();
  channel.subscribe((status) => status === "SUBSCRIBED" && done());
});
for (let i = 0; i < Number(count); ++i) {
  const began = process.hrtime.bigint();
  const answer = new Promise((done) => { waiting = (payload) => payload.id === `js${i}` && done(payload); });
  await channel.send({ type: "broadcast", event: "cmd", payload: { ...JSON.parse(command), id: `js${i}`, src: `js${process.pid}` } });
  const result = await answer;
  if (!result.ok) throw new Error(JSON.stringify(result));
  console.log(Number(process.hrtime.bigint() - began) / 1000);
}
process.exit(0);

// SPDX-License-Identifier: Apache-2.0
// A UDP relay that loses packets: listens on one address and passes on to another, one socket of
// its own per sender so that answers find their way back.
import { createSocket } from "node:dgram";

/** Same chance for every run with the same seed (mulberry32). */
function chance(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export async function udpGate({ listen, target, port, loss, seed }) {
  const random = chance(seed);
  const front = createSocket("udp4");
  const backs = new Map();
  const counts = { passed: 0, dropped: 0 };
  const gate = {
    loss, // may be changed while packets pass
    counts,
    close() {
      front.close();
      for (const back of backs.values()) back.close();
    },
  };
  const pass = (send) => {
    if (random() < gate.loss) counts.dropped += 1;
    else {
      counts.passed += 1;
      send();
    }
  };
  front.on("message", (data, from) => {
    const key = `${from.address}:${from.port}`;
    let back = backs.get(key);
    if (!back) {
      back = createSocket("udp4");
      back.on("message", (answer) => pass(() => front.send(answer, from.port, from.address)));
      back.on("error", () => {});
      backs.set(key, back);
    }
    pass(() => back.send(data, port, target));
  });
  await new Promise((done, fail) => {
    front.once("error", fail);
    front.bind(port, listen, done);
  });
  return gate;
}

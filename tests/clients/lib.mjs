// SPDX-License-Identifier: Apache-2.0

// What the journeys of the unmodified sandbox-agent client share: limits on waits, refusals as
// values, and a list of the client's methods that were not tried.

import { SandboxAgent } from 'sandbox-agent';
import { within } from './within.mjs';

export { within };

/** The first true answer of check(), asked again and again. */
export async function until(what, check, ms = 20000) {
  const began = Date.now();
  for (;;) {
    const answer = await check();
    if (answer) return answer;
    if (Date.now() > began + ms) throw new Error(`not in time: ${what}`);
    await new Promise(done => setTimeout(done, 20));
  }
}

export async function refused(call) {
  try {
    await within('a refusal', call());
    return 'not refused';
  } catch (why) {
    return { status: why.status, title: why.problem?.title, type: why.problem?.type, message: why.problem ? undefined : String(why) };
  }
}

/** A connected client whose every call has a limit; `untried()` names its methods of `about` that were not called. */
export async function connect(baseUrl, token, about) {
  const real = await within('connect', SandboxAgent.connect({ baseUrl, token }));
  const tried = new Set();
  const client = new Proxy(real, {
    get(target, name) {
      const value = target[name];
      if (typeof value !== 'function') return value;
      return (...given) => {
        tried.add(name);
        const answer = value.apply(target, given);
        return typeof answer?.then === 'function' ? within(String(name), answer, 40000) : answer;
      };
    },
  });
  const methods = Object.getOwnPropertyNames(SandboxAgent.prototype).filter(name => about.test(name));
  return { client, methods, untried: () => methods.filter(name => !tried.has(name)) };
}

/** Runs a journey, prints what it saw as one line of JSON, and ends the program. */
export async function travel(about, journey) {
  const [baseUrl, token, ...rest] = process.argv.slice(2);
  const seen = {};
  const { client, methods, untried } = await connect(baseUrl, token, about);
  await journey(client, seen, ...rest);
  await client.dispose();
  seen.methods = methods.length;
  seen.untried = untried();
  process.stdout.write(`${JSON.stringify(seen)}\n`, () => process.exit(0));
}

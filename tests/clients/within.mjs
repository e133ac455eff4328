// SPDX-License-Identifier: Apache-2.0

/** `promise`, or a failure that names it. */
export function within(what, promise, ms = 20000) {
  let timer;
  const late = new Promise((_, no) => { timer = setTimeout(() => no(new Error(`not in time: ${what}`)), ms); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

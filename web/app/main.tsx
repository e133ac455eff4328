// SPDX-License-Identifier: Apache-2.0
// The first thing that runs: takes the ticket out of the address before anything else can see
// it, starts the model, shows the page, and gives tests a read-only look inside.

import { render } from 'preact';

import { take_ticket } from '../core/session.ts';
import { App } from './app.tsx';
import { figures, follow, run_model, session_state, sign_in_again, viewer } from './model.ts';
import { run_tools } from './tools.ts';

/** The ticket of the address, which no longer has it afterwards. */
function ticket_of_address(): string {
  const { ticket, rest } = take_ticket(location.hash);
  if (ticket !== '') history.replaceState(null, '', location.pathname + location.search + rest);
  return ticket;
}

declare global {
  interface Window {
    readonly holt: {
      readonly session: unknown;
      readonly viewer: unknown;
      readonly supervision: unknown;
      readonly stats: unknown;
    };
  }
}

Object.defineProperty(window, 'holt', {
  value: Object.freeze({
    get session() {
      return session_state.peek();
    },
    get viewer() {
      return viewer.state.get();
    },
    get supervision() {
      return follow.peek();
    },
    get stats() {
      return figures.peek();
    },
  }),
});

run_tools();
run_model(ticket_of_address());
addEventListener('hashchange', () => {
  const ticket = ticket_of_address();
  if (ticket !== '') void sign_in_again(ticket);
});
const root = document.getElementById('app');
if (root) render(<App />, root);

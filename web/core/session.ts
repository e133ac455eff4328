// SPDX-License-Identifier: Apache-2.0
// Signing in: the ticket in the address's fragment becomes a cookie that scripts cannot read.
// The fragment is removed before anything is sent; no token is ever stored by the page.

import type { Api, Problem } from './api.ts';
import { Store } from './store.ts';

export type Scope = 'view' | 'input' | 'fs' | 'exec' | 'admin';

export interface SessionState {
  readonly phase: 'checking' | 'signed_out' | 'signed_in' | 'unreachable';
  readonly scopes: readonly string[];
  /** Why it is signed out, a sentence; empty on a plain first visit. */
  readonly reason: string;
  readonly busy: boolean;
}

interface SessionBody {
  readonly scopes?: readonly string[];
}

/** The ticket in `#ticket=T`, and the fragment without it. */
export function take_ticket(hash: string): { ticket: string; rest: string } {
  const fields = new URLSearchParams(hash.replace(/^#/, ''));
  const ticket = fields.get('ticket') ?? '';
  fields.delete('ticket');
  const rest = fields.toString();
  return { ticket, rest: rest === '' ? '' : `#${rest}` };
}

export class Session {
  readonly state = new Store<SessionState>({
    phase: 'checking',
    scopes: [],
    reason: '',
    busy: false,
  });
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  has(scope: Scope): boolean {
    return this.state.get().scopes.includes(scope);
  }

  /** Once, at the start: with the ticket when there is one, else with the cookie. */
  async open(ticket: string): Promise<void> {
    if (ticket !== '' && (await this.#sign_in({ ticket }))) return;
    const refused = this.state.get().reason;
    this.state.patch({ phase: 'checking' });
    const answer = await this.#api.get<SessionBody>('/v1/session');
    if (answer.ok) this.#signed_in(answer.value);
    else if (answer.problem.status === 401 || answer.problem.status === 403)
      this.state.patch({ phase: 'signed_out', scopes: [], reason: refused });
    else this.state.patch({ phase: 'unreachable', reason: answer.problem.title });
  }

  async sign_in_with_token(token: string): Promise<boolean> {
    return this.#sign_in({ token: token.trim() });
  }

  async sign_out(): Promise<void> {
    await this.#api.delete('/v1/session');
    this.state.patch({ phase: 'signed_out', scopes: [], reason: 'You signed out.' });
  }

  /** Some call or socket said 401. */
  expired(reason: string): void {
    if (this.state.get().phase === 'signed_in')
      this.state.patch({ phase: 'signed_out', scopes: [], reason });
  }

  async #sign_in(body: object): Promise<boolean> {
    this.state.patch({ busy: true });
    let answer = await this.#api.post<SessionBody>('/v1/session', body);
    // A 204 sets the cookie without a body.
    if (answer.ok && answer.value === null) answer = await this.#api.get<SessionBody>('/v1/session');
    this.state.patch({ busy: false });
    if (answer.ok) {
      this.#signed_in(answer.value);
      return true;
    }
    this.state.patch({ phase: 'signed_out', scopes: [], reason: refusal('ticket' in body, answer.problem) });
    return false;
  }

  #signed_in(body: SessionBody | null): void {
    const scopes = body?.scopes ?? ['view'];
    this.state.patch({ phase: 'signed_in', scopes, reason: '', busy: false });
  }
}

function refusal(by_ticket: boolean, problem: Problem): string {
  if (problem.status === 0) return `${problem.title}.`;
  if (problem.status === 401 || problem.status === 403)
    return by_ticket
      ? 'This link was used before or is too old. Make a new one with “holt open”.'
      : 'This token is not valid here.';
  return problem.detail || problem.title;
}

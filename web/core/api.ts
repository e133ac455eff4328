// SPDX-License-Identifier: Apache-2.0
// HTTP calls to the daemon. Every call has a time limit and ends in a value: an answer or a
// problem with a stable code and a sentence. It never throws and never keeps a token.

export interface Problem {
  readonly status: number; // 0: the daemon did not answer
  readonly code: string;
  readonly title: string;
  readonly detail: string;
}

export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: Problem };

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export const call_limit_ms = 10_000;

function text_of(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function problem_of(status: number, body: unknown): Problem {
  const fields = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  return {
    status,
    code: text_of(fields.code) || `http_${status}`,
    title: text_of(fields.title) || `The daemon answered ${status}`,
    detail: text_of(fields.detail),
  };
}

function problem_of_throw(thrown: unknown): Problem {
  const timed_out = thrown instanceof Error && thrown.name === 'TimeoutError';
  return {
    status: 0,
    code: timed_out ? 'no_answer' : 'unreachable',
    title: timed_out ? 'The daemon did not answer in time' : 'The daemon cannot be reached',
    detail: '',
  };
}

/** One sentence for a person. */
export function words_of_problem(problem: Problem): string {
  return problem.detail || problem.title;
}

export class Api {
  readonly #fetch: Fetch;

  constructor(fetcher: Fetch) {
    this.#fetch = fetcher;
  }

  get<T>(path: string): Promise<Answer<T>> {
    return this.#call('GET', path, undefined);
  }

  post<T>(path: string, body?: object, limit_ms = call_limit_ms): Promise<Answer<T>> {
    return this.#call('POST', path, body, limit_ms);
  }

  delete<T>(path: string): Promise<Answer<T>> {
    return this.#call('DELETE', path, undefined);
  }

  /** The answer as it is, for bodies that are no JSON and for those that never end. */
  async raw(path: string, init: RequestInit = {}): Promise<Answer<Response>> {
    try {
      const response = await this.#fetch(path, { credentials: 'same-origin', cache: 'no-store', redirect: 'error', ...init });
      if (response.ok) return { ok: true, value: response };
      const body: unknown = await response.json().catch(() => null);
      return { ok: false, problem: problem_of(response.status, body) };
    } catch (thrown) {
      return { ok: false, problem: problem_of_throw(thrown) };
    }
  }

  async #call<T>(
    method: string,
    path: string,
    body: object | undefined,
    limit_ms = call_limit_ms,
  ): Promise<Answer<T>> {
    const init: RequestInit = {
      method,
      credentials: 'same-origin',
      cache: 'no-store',
      redirect: 'error',
      signal: AbortSignal.timeout(limit_ms),
      headers: { accept: 'application/json' },
    };
    if (body !== undefined) {
      init.headers = { accept: 'application/json', 'content-type': 'application/json' };
      init.body = JSON.stringify(body);
    }
    try {
      const response = await this.#fetch(path, init);
      const text = await response.text();
      let value: unknown = null;
      if (text !== '') {
        try {
          value = JSON.parse(text);
        } catch {
          if (response.ok) return { ok: false, problem: problem_of(502, { title: 'The daemon sent something that is not JSON' }) };
        }
      }
      if (!response.ok) return { ok: false, problem: problem_of(response.status, value) };
      return { ok: true, value: value as T };
    } catch (thrown) {
      return { ok: false, problem: problem_of_throw(thrown) };
    }
  }
}

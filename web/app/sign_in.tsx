// SPDX-License-Identifier: Apache-2.0
// What somebody without a session sees: how to get a link, or a field for a token.

import { useSignal } from '@preact/signals';

import { Icon, Mark } from './icons.tsx';
import { session, session_state } from './model.ts';

export function SignIn() {
  const token = useSignal('');
  const { phase, reason, busy } = session_state.value;
  if (phase === 'checking')
    return (
      <main class="gate" data-testid="checking">
        <span class="spinner" aria-hidden="true" />
        <p>Signing in…</p>
      </main>
    );
  if (phase === 'unreachable')
    return (
      <main class="gate" data-testid="unreachable">
        <div class="gate-card">
          <Mark />
          <h1>Holt is not answering</h1>
          <p>{reason}. Is “holt serve” running?</p>
          <button type="button" class="button primary" onClick={() => void session.open('')}>
            Try again
          </button>
        </div>
      </main>
    );
  return (
    <main class="gate" data-testid="sign-in">
      <div class="gate-card">
        <Mark />
        <h1>Sign in to Holt</h1>
        {reason !== '' && (
          <p class="gate-reason" role="alert" data-testid="sign-in-reason">
            <Icon name="warn" /> {reason}
          </p>
        )}
        <p>On the machine that runs Holt, ask for a link. It opens this page signed in:</p>
        <pre class="command"><code>holt open</code></pre>
        <p class="muted">
          <code>holt open --view</code> makes a link that may only watch.
        </p>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            const given = token.value;
            token.value = '';
            if (given.trim() !== '') void session.sign_in_with_token(given);
          }}
        >
          <label for="token">Or paste an access token</label>
          <div class="field-row">
            <input
              id="token"
              type="password"
              autocomplete="off"
              spellcheck={false}
              data-testid="token"
              value={token.value}
              onInput={(event) => {
                token.value = event.currentTarget.value;
              }}
            />
            <button type="submit" class="button primary" data-testid="sign-in-button" disabled={busy}>
              {busy ? 'Signing in…' : 'Sign in'}
            </button>
          </div>
        </form>
      </div>
    </main>
  );
}

// SPDX-License-Identifier: Apache-2.0
// A part of the page that is fetched when it is first shown: what a first visit does not need is
// not in its way.

import { signal, type Signal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useEffect } from 'preact/hooks';

type Loaded = { readonly part: ComponentType } | { readonly problem: true };

/** A component that is there once `load` has brought it. */
export function lazy(load: () => Promise<ComponentType>): ComponentType {
  const loaded: Signal<Loaded | undefined> = signal(undefined);
  const begin = () => {
    loaded.value = undefined;
    load().then(
      (part) => { loaded.value = { part }; },
      () => { loaded.value = { problem: true }; },
    );
  };
  let begun = false;
  return function Lazy() {
    useEffect(() => {
      if (begun) return;
      begun = true;
      begin();
    }, []);
    const now = loaded.value;
    if (now === undefined) return <p class="empty"><span class="spinner" aria-hidden="true" /><span class="visually-hidden">Loading…</span></p>;
    if ('problem' in now)
      return (
        <p class="empty" role="alert">
          This part of the page could not be loaded.{' '}
          <button type="button" class="link" onClick={begin}>Try again</button>
        </p>
      );
    return <now.part />;
  };
}

// SPDX-License-Identifier: Apache-2.0
// A small button that is only an icon: its label is its name for those who do not see it.

import { Icon, type IconName } from './icons.tsx';

interface IconButtonProps {
  readonly icon: IconName;
  readonly label: string;
  readonly test: string;
  readonly act: () => void;
  readonly on?: boolean;
  readonly off?: boolean;
  readonly extra?: string;
}

export function IconButton({ icon, label, test, act, on, off = false, extra = '' }: IconButtonProps) {
  return (
    <button
      type="button"
      class={`icon-button small ${extra}`}
      aria-label={label}
      title={label}
      aria-pressed={on}
      disabled={off}
      data-testid={test}
      onClick={act}
    >
      <Icon name={icon} />
    </button>
  );
}

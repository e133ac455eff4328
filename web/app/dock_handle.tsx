// SPDX-License-Identifier: Apache-2.0
// The upper edge of the terminals: dragged, or moved with the arrow keys, it gives them more room.

import { useRef } from 'preact/hooks';

import { set_dock_height } from './tools.ts';

const least = 120;

function most(): number {
  return Math.max(least, Math.round(innerHeight * 0.75));
}

function set(pixels: number): void {
  set_dock_height(Math.round(Math.min(Math.max(pixels, least), most())));
}

function height_now(): number {
  return document.querySelector('.dock')?.clientHeight ?? 280;
}

export function DockHandle() {
  const from = useRef<{ y: number; height: number } | undefined>(undefined);
  return (
    <div
      class="dock-handle"
      role="separator"
      aria-orientation="horizontal"
      aria-label="Height of the terminals"
      aria-valuemin={least}
      aria-valuemax={most()}
      aria-valuenow={Math.min(height_now(), most())}
      tabIndex={0}
      data-testid="dock-handle"
      onPointerDown={(event) => {
        from.current = { y: event.clientY, height: height_now() };
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={(event) => {
        if (from.current) set(from.current.height + from.current.y - event.clientY);
      }}
      onPointerUp={() => { from.current = undefined; }}
      onPointerCancel={() => { from.current = undefined; }}
      onKeyDown={(event) => {
        if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return;
        event.preventDefault();
        set(height_now() + (event.key === 'ArrowUp' ? 32 : -32));
      }}
    />
  );
}

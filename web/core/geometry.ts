// SPDX-License-Identifier: Apache-2.0
// Where the picture lies in its box, and which screen pixel a point of the box is.

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Rect extends Size {
  readonly left: number;
  readonly top: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The largest rectangle of the screen's proportions within the box, centred. */
export function contain(box: Size, screen: Size): Rect {
  if (box.width <= 0 || box.height <= 0 || screen.width <= 0 || screen.height <= 0)
    return { left: 0, top: 0, width: 0, height: 0 };
  const scale = Math.min(box.width / screen.width, box.height / screen.height);
  const width = screen.width * scale;
  const height = screen.height * scale;
  return { left: (box.width - width) / 2, top: (box.height - height) / 2, width, height };
}

/** The screen pixel under a point of the box; outside the picture the nearest edge pixel. */
export function to_screen(point: Point, picture: Rect, screen: Size): Point | undefined {
  if (picture.width <= 0 || picture.height <= 0) return undefined;
  const along = (at: number, start: number, length: number, pixels: number) =>
    Math.min(Math.max(Math.floor(((at - start) / length) * pixels), 0), pixels - 1);
  return {
    x: along(point.x, picture.left, picture.width, screen.width),
    y: along(point.y, picture.top, picture.height, screen.height),
  };
}

/** DOM button number to X button number; 0 for one that X does not have. */
export function x_button(dom_button: number): number {
  return [1, 2, 3, 8, 9][dom_button] ?? 0;
}

// SPDX-License-Identifier: Apache-2.0
// xterm.js writes <style> elements and style attributes, which the page's content policy forbids.
// Here its style elements feed constructed sheets, and a span takes its style attribute through the
// CSSOM: the policy allows both, and nothing of it is loosened.

/** Stands in for a <style> element: what is written into it becomes a sheet of the document. */
function style_stand_in(): HTMLElement {
  const element = Document.prototype.createElement.call(document, 'span');
  const sheet = new CSSStyleSheet();
  element.hidden = true;
  Object.defineProperty(element, 'textContent', { set: (text: string) => sheet.replaceSync(text), get: () => '' });
  const remove = element.remove.bind(element);
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet);
    remove();
  };
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  return element;
}

/** Runs `open`, which makes all style elements of a terminal. */
export function with_stand_ins(open: () => void): void {
  const create = (name: string) =>
    name.toLowerCase() === 'style' ? style_stand_in() : Document.prototype.createElement.call(document, name);
  document.createElement = create as typeof document.createElement;
  try {
    open();
  } finally {
    delete (document as { createElement?: unknown }).createElement;
  }
}

/** Pieces of a line are spans with a colour of their own. */
HTMLSpanElement.prototype.setAttribute = function (this: HTMLSpanElement, name: string, value: string): void {
  if (name === 'style') this.style.cssText = value;
  else Element.prototype.setAttribute.call(this, name, value);
};

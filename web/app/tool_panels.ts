// SPDX-License-Identifier: Apache-2.0
// The panels of the sandbox's tools, as one piece of the page that is fetched when it is needed.

export { CapturePanel } from './capture_panel.tsx';
export { ClipboardPanel } from './clipboard_panel.tsx';
export { FilePanel } from './file_panel.tsx';
export { ProcessPanel } from './process_panel.tsx';
export { WindowPanel } from './window_panel.tsx';

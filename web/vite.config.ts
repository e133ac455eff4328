// SPDX-License-Identifier: Apache-2.0
// One entry, hashed names, nothing inlined: the daemon serves it under a strict content policy.
import { defineConfig } from 'vite';

export default defineConfig({
  base: '/',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: process.env.HOLT_WEB_OUT ?? 'dist',
    emptyOutDir: true,
    target: 'es2022',
    // light-dark() stays as it is.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});

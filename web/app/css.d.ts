// SPDX-License-Identifier: Apache-2.0
// Style sheets that a part of the page brings along; Vite makes files of them.
declare module '*.css';

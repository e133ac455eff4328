// SPDX-License-Identifier: Apache-2.0
// A PUT that tells how far it is: fetch cannot.

import type { SendFile } from '../core/uploads.ts';

export const send_file: SendFile = (url, headers, file, progress) => {
  const request = new XMLHttpRequest();
  request.open('PUT', url);
  for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
  request.upload.onprogress = (event) => progress(event.loaded);
  const ended = new Promise<{ status: number; body: string }>((done) => {
    request.onloadend = () => done({ status: request.status, body: request.responseText });
  });
  request.send(file);
  return { ended, cancel: () => request.abort() };
};

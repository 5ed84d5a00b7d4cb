/** The uploads of each project in this window. They go on while another page is shown. */

import type { Client } from '../file-stores.ts';
import { makeFolders } from '../make-folders.ts';
import { createUploadStore, type UploadStore } from './upload-store.ts';

const stores = new Map<string, UploadStore>();

export function uploadStoreOf(projectId: string, client: Client): UploadStore {
  const known = stores.get(projectId);
  if (known !== undefined) return known;
  const store = createUploadStore({
    projectId,
    fetch: (...request) => window.fetch(...request),
    newId: randomUuid,
    makeFolders: (paths) => makeFolders(client, projectId, paths),
  });
  stores.set(projectId, store);
  window.addEventListener('beforeunload', (event) => {
    if (store.get().some(({ state }) => state === 'running' || state === 'waiting')) event.preventDefault();
  });
  return store;
}

/** A random UUID, version 4. Unlike `crypto.randomUUID` it works without a secure context (plain HTTP). */
function randomUuid(): string {
  const bytes = window.crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

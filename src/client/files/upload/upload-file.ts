/** Sends one file to the project in parts, one after the other. */

import { maxUploadPartBytes, messageOfProxy } from '../../../shared/contract/file-limits.ts';

/** Why the server refused a part. `code` is one of the codes of the API, or `UNREACHABLE`. */
export class UploadError extends Error {
  override readonly name = 'UploadError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export interface UploadInput {
  projectId: string;
  path: string;
  file: Blob;
  replace: boolean;
  signal: AbortSignal;
  /** Called after each part with the bytes that have arrived. */
  onProgress: (sentBytes: number) => void;
}

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/**
 * What has arrived of a cancelled upload is forgotten, so that it takes no space.
 * @throws UploadError when the server refuses a part or does not answer; what `fetch` throws when `signal` aborts
 */
export async function uploadFile(
  { projectId, path, file, replace, signal, onProgress }: UploadInput,
  { fetch, upload }: { fetch: Fetch; upload: string },
): Promise<void> {
  let offset = 0;
  const forget = (): void => {
    const query = new URLSearchParams({ path, upload });
    // The file browser forgets an old upload by itself too.
    fetch(`/files/${projectId}/content?${query.toString()}`, { method: 'DELETE' }).catch(() => undefined);
  };
  // An empty file is one empty part.
  do {
    const part = file.slice(offset, offset + maxUploadPartBytes);
    const query = new URLSearchParams({
      path,
      upload,
      offset: String(offset),
      total: String(file.size),
      replace: String(replace),
    });
    try {
      await sendPart(`/files/${projectId}/content?${query.toString()}`, { fetch, part, signal });
    } catch (error) {
      if (signal.aborted) forget();
      throw error;
    }
    offset += part.size;
    onProgress(offset);
  } while (offset < file.size);
}

async function sendPart(url: string, { fetch, part, signal }: { fetch: Fetch; part: Blob; signal: AbortSignal }) {
  let response: Response;
  try {
    const headers = { 'content-type': 'application/octet-stream' };
    response = await fetch(url, { method: 'PUT', headers, body: part, signal });
  } catch {
    signal.throwIfAborted();
    throw new UploadError('UNREACHABLE', 'The server could not be reached. Check your connection and try again.');
  }
  if (response.ok) return;
  const { code, message } = await readRefusal(response);
  throw new UploadError(code, message);
}

/** The answer of a proxy in between is not in the shape of our API. */
async function readRefusal(response: Response): Promise<{ code: string; message: string }> {
  const body: unknown = await response.json().catch(() => null);
  const error = (body as { error?: { message?: unknown; data?: { appCode?: unknown } } } | null)?.error;
  if (typeof error?.message === 'string' && typeof error.data?.appCode === 'string') {
    return { code: error.data.appCode, message: error.message };
  }
  return { code: 'UNREACHABLE', message: messageOfProxy(response.status) };
}

import { describe, expect, it } from 'vitest';

import { maxUploadPartBytes } from '../../../shared/contract/file-limits.ts';
import { uploadFile, type UploadInput } from './upload-file.ts';

/** Answers like the server: 204 for a part, 200 for the last one. */
function createReceiver(answer?: (received: number) => Response) {
  const parts: { offset: number; size: number; query: URLSearchParams }[] = [];
  const fetch = async (url: string, { body }: RequestInit) => {
    const query = new URL(url, 'http://host').searchParams;
    const size = (body as Blob).size;
    parts.push({ offset: Number(query.get('offset')), size, query });
    const refusal = answer?.(parts.length);
    return refusal ?? new Response(null, { status: 204 });
  };
  return { parts, fetch };
}
const input = (file: Blob, change: Partial<UploadInput> = {}): UploadInput => ({
  projectId: 'project',
  path: 'a & b.txt',
  file,
  replace: false,
  signal: new AbortController().signal,
  onProgress: () => undefined,
  ...change,
});

describe('an upload', () => {
  it('sends the parts one after the other, and reports what has arrived', async () => {
    const { parts, fetch } = createReceiver();
    const progress: number[] = [];
    const file = new Blob([new Uint8Array(2 * maxUploadPartBytes + 5)]);
    await uploadFile(input(file, { onProgress: (sent) => progress.push(sent) }), { fetch, upload: 'u' });
    expect(parts.map(({ offset, size }) => [offset, size])).toEqual([
      [0, maxUploadPartBytes],
      [maxUploadPartBytes, maxUploadPartBytes],
      [2 * maxUploadPartBytes, 5],
    ]);
    expect(progress).toEqual([maxUploadPartBytes, 2 * maxUploadPartBytes, file.size]);
    expect(Object.fromEntries(parts[2]?.query ?? [])).toEqual({
      path: 'a & b.txt',
      upload: 'u',
      offset: String(2 * maxUploadPartBytes),
      total: String(file.size),
      replace: 'false',
    });
  });

  it('sends an empty file, and a file of exactly one part, as one part', async () => {
    for (const size of [0, maxUploadPartBytes]) {
      const { parts, fetch } = createReceiver();
      await uploadFile(input(new Blob([new Uint8Array(size)])), { fetch, upload: 'u' });
      expect(parts).toHaveLength(1);
    }
  });

  it('ends with the code and the message of the server', async () => {
    const error = { message: 'It exists already.', data: { appCode: 'CONFLICT' } };
    const { parts, fetch } = createReceiver(() => Response.json({ error }, { status: 409 }));
    const file = new Blob([new Uint8Array(maxUploadPartBytes + 1)]);
    await expect(uploadFile(input(file), { fetch, upload: 'u' })).rejects.toMatchObject({
      code: 'CONFLICT',
      message: 'It exists already.',
    });
    expect(parts).toHaveLength(1);
  });

  it('names the proxy that refuses a part as too large, because trying again would not help', async () => {
    const { fetch } = createReceiver(() => new Response('<html>', { status: 413 }));
    const upload = uploadFile(input(new Blob(['a'])), { fetch, upload: 'u' });
    await expect(upload).rejects.toThrow(/proxy .*413.*administrator .*MiB/);
  });

  it('says what to do when the answer is not from the server', async () => {
    const { fetch } = createReceiver(() => new Response('<html>', { status: 502 }));
    await expect(uploadFile(input(new Blob(['a'])), { fetch, upload: 'u' })).rejects.toMatchObject({
      code: 'UNREACHABLE',
    });
  });

  it('ends when it is cancelled, and lets the server forget what has arrived', async () => {
    const controller = new AbortController();
    const methods: unknown[] = [];
    const fetch = async (_url: string, { signal, method }: RequestInit) => {
      methods.push(method);
      controller.abort();
      signal?.throwIfAborted();
      return new Response();
    };
    const cancelled = uploadFile(input(new Blob(['a']), { signal: controller.signal }), { fetch, upload: 'u' });
    await expect(cancelled).rejects.toMatchObject({ name: 'AbortError' });
    expect(methods).toEqual(['PUT', 'DELETE']);
  });
});

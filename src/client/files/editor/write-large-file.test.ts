import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { readError } from '../../api/read-error.ts';
import { writeLargeFile } from './write-large-file.ts';

const file = { id: 'project', path: 'a "b".txt', version: null };
let sent: unknown;
let answer: () => Response;

beforeEach(() => {
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    sent = { url, method: init.method, input: await new Response(init.body ?? null).json() };
    return answer();
  });
});
afterEach(() => void vi.unstubAllGlobals());

it('a large text arrives as it is, also where a character lies in two steps', async () => {
  answer = () => Response.json({ result: { data: { version: 'v2', size: 1 } } });
  // With an odd beginning, each step ends in the middle of a character.
  const content = `"${'\u{1f600}'.repeat(300_000)}\\\n\r\n\u2028\0`;
  expect(await writeLargeFile({ ...file, content })).toEqual({ version: 'v2', size: 1 });
  expect(sent).toEqual({ url: '/trpc/files.write', method: 'POST', input: { ...file, content } });
});

it('a refusal is read like that of any call, and what is no answer of the API counts as none', async () => {
  const data = { appCode: 'CONFLICT', fields: {}, retryAfterSeconds: null };
  answer = () => Response.json({ error: { message: 'Changed.', code: -32009, data } }, { status: 409 });
  const refused = await writeLargeFile({ ...file, content: '' }).catch((error: unknown) => readError(error));
  expect(refused).toMatchObject({ code: 'CONFLICT', message: 'Changed.' });
  for (const broken of [new Response('<html>', { status: 502 }), Response.json({ error: 'no' }, { status: 502 })]) {
    answer = () => broken;
    const failed = await writeLargeFile({ ...file, content: '' }).catch((error: unknown) => readError(error));
    expect(failed).toMatchObject({ code: 'UNREACHABLE' });
  }
});

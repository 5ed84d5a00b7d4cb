import { expect, it } from 'vitest';

import { createFileCalls } from './files.ts';

type Deps = Parameters<typeof createFileCalls>[0];

it('reading a file that changes between its parts each time ends with a conflict', async () => {
  let reads = 0;
  const query = () => {
    reads += 1;
    return Promise.resolve({ content: 'part', version: `version-${reads}`, isBinary: false, nextOffset: 4 });
  };
  const trpc = { files: { read: { query } } } as unknown as Deps['trpc']; // the part that reading uses
  const calls = createFileCalls({ trpc, base: '', headers: {}, withAppErrors: (call) => call });
  await expect(calls.read({ id: 'project', path: 'log' })).rejects.toMatchObject({ code: 'CONFLICT' });
  expect(reads).toBeLessThan(20);
});

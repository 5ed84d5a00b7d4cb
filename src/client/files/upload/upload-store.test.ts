import { describe, expect, it } from 'vitest';

import { createUploadStore } from './upload-store.ts';

/** A volume that refuses names that are taken, and counts the uploads that run at the same time. */
function createVolume(...taken: string[]) {
  const files = new Set(taken);
  const folders: string[] = [];
  let running = 0;
  let most = 0;
  let id = 0;
  const store = createUploadStore({
    projectId: 'project',
    newId: () => `id-${(id += 1)}`,
    makeFolders: async (paths) => void folders.push(...paths),
    async fetch(url, { signal, method }) {
      if (method === 'DELETE') return Response.json({});
      running += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      running -= 1;
      signal?.throwIfAborted();
      const query = new URL(url, 'http://host').searchParams;
      const path = query.get('path') ?? '';
      if (files.has(path) && query.get('replace') === 'false') {
        const error = { message: 'It exists already.', data: { appCode: 'CONFLICT' } };
        return Response.json({ error }, { status: 409 });
      }
      files.add(path);
      return Response.json({ size: 1 });
    },
  });
  const states = () => store.get().map(({ path, state }) => `${path} ${state}`);
  const add = (...paths: string[]) =>
    store.add(paths.map((path) => ({ path, file: new Blob(['a']), folders: path.split('/').slice(0, -1) })));
  return { store, files, folders, states, add, most: () => most };
}

describe('the uploads of a project', () => {
  it('run one after the other, and name the folder of each file that has arrived', async () => {
    const { store, states, add, most } = createVolume();
    const arrived: string[] = [];
    store.onArrived((folder) => arrived.push(folder));
    add('a', 'b', 'c');
    await expect.poll(states).toEqual(['a done', 'b done', 'c done']);
    expect([most(), arrived]).toEqual([1, ['', '', '']]);
  });

  it('make the folders of a dropped folder once', async () => {
    const { folders, states, add } = createVolume();
    add('dir/a', 'dir/b');
    await expect.poll(states).toEqual(['dir/a done', 'dir/b done']);
    expect(folders).toEqual(['dir']);
  });

  it('replace a file only after a question, while the others go on', async () => {
    const { store, states, add } = createVolume('a');
    add('a', 'b');
    await expect.poll(states).toEqual(['a exists', 'b done']);
    store.retry([store.get()[0]?.id ?? ''], { replace: true });
    await expect.poll(states).toEqual(['a done', 'b done']);
  });

  it('go on with the next file when one is cancelled', async () => {
    const { store, files, states, add } = createVolume();
    add('a', 'b');
    store.remove([store.get()[0]?.id ?? '']);
    await expect.poll(states).toEqual(['b done']);
    expect(files.has('a')).toBe(false);
  });
});

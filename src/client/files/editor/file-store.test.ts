import { TRPCClientError } from '@trpc/client';
import { describe, expect, it } from 'vitest';

import type { AppErrorCode } from '../../../shared/contract/errors.ts';
import { createDraftStorage } from './draft-storage.ts';
import { createFileStore } from './file-store.ts';
import { toFileText } from './line-endings.ts';

const path = 'main.ts';

const appError = (appCode: AppErrorCode) =>
  new TRPCClientError(`The server says ${appCode}.`, {
    result: { error: { message: `The server says ${appCode}.`, code: 0, data: { appCode } } } as never,
  });

/** A volume with one file, whose answers can be held back. */
function createVolume() {
  let content: string | null = 'one';
  let revision = 1;
  let failure: AppErrorCode | null = null;
  const held: (() => void)[] = [];
  let isHolding = false;
  const hold = async () => {
    if (isHolding) await new Promise<void>((resolve) => held.push(resolve));
  };
  const refuse = () => {
    if (failure !== null) throw appError(failure);
  };
  return {
    get: () => content,
    set(changed: string | null) {
      content = changed;
      revision += 1;
    },
    fail(code: AppErrorCode | null) {
      failure = code;
    },
    hold() {
      isHolding = true;
    },
    release() {
      isHolding = false;
      for (const resolve of held.splice(0)) resolve();
    },
    async readPart({ offset }: { offset: number }) {
      refuse();
      if (content === null) throw appError('NOT_FOUND');
      const answer = { size: content.length, version: `v${revision}`, offset, nextOffset: null, content };
      await hold();
      return { ...answer, isBinary: false, encoding: 'utf8' as const };
    },
    async write(input: { content: string; version: string | null }) {
      await hold();
      refuse();
      if (input.version !== (content === null ? null : `v${revision}`)) throw appError('CONFLICT');
      this.set(input.content);
      return { version: `v${revision}`, size: input.content.length };
    },
  };
}

function createMemoryStorage(): Storage {
  const items = new Map<string, string>();
  return {
    get length() {
      return items.size;
    },
    key: (index) => [...items.keys()][index] ?? null,
    getItem: (name) => items.get(name) ?? null,
    setItem: (name, value) => void items.set(name, value),
    removeItem: (name) => void items.delete(name),
    clear: () => items.clear(),
  };
}

async function openedFile() {
  const volume = createVolume();
  const storage = createMemoryStorage();
  const drafts = createDraftStorage('project', () => storage);
  const deps = {
    readPart: volume.readPart,
    write: (input: Parameters<typeof volume.write>[0]) => volume.write(input),
    drafts,
  };
  const store = createFileStore(deps);
  store.open(path);
  await expect.poll(() => store.get()[0]?.kind).toBe('text');
  const text = () => {
    const file = store.get().find((each) => each.path === path);
    if (file?.kind !== 'text') throw new Error(`The file is ${file?.kind}.`);
    return file;
  };
  const edit = (content: string) => store.dispatch({ type: 'edited', path, text: toFileText(content).text });
  return { volume, store, drafts, deps, text, edit };
}

describe('the open files of a project', () => {
  it('are read once when their changes are followed while they are read', async () => {
    const { volume, store, deps } = await openedFile();
    let wholeReads = 0;
    const readPart: typeof deps.readPart = (input) => {
      if (!('limit' in input)) wholeReads += 1;
      return volume.readPart(input);
    };
    const other = createFileStore({ ...deps, readPart });
    volume.hold();
    other.open(path);
    const refreshed = other.refresh([path]);
    volume.release();
    await refreshed;
    expect([wholeReads, other.get()[0]?.kind, store.get()[0]?.kind]).toEqual([1, 'text', 'text']);
    // What changes afterwards is read.
    volume.set('two');
    await other.refresh([path]);
    expect(wholeReads).toBe(2);
  });

  it('are saved with the version that was read', async () => {
    const { volume, store, text, edit } = await openedFile();
    edit('two');
    await store.save(path);
    expect(volume.get()).toBe('two');
    edit('three');
    await store.save(path);
    expect([volume.get(), text().saving]).toEqual(['three', 'no']);
  });

  it('are not overwritten when they were changed outside', async () => {
    const { volume, store, text, edit } = await openedFile();
    edit('mine');
    volume.set('theirs');
    await store.save(path);
    expect(volume.get()).toBe('theirs');
    expect(text()).toMatchObject({ isInConflict: true, outside: { kind: 'changed' } });
    store.dispatch({ type: 'kept', path, known: text().outside });
    await store.save(path);
    expect([volume.get(), text().isInConflict]).toEqual(['mine', false]);
  });

  it('lose nothing when two windows edit one of them: the second to save has both texts, and decides', async () => {
    const { volume, store, deps, edit } = await openedFile();
    const other = createFileStore({ ...deps, drafts: createDraftStorage('project', createMemoryStorage) });
    other.open(path);
    await expect.poll(() => other.get()[0]?.kind).toBe('text');
    edit('of the first window');
    other.dispatch({ type: 'edited', path, text: toFileText('of the second window').text });
    await store.save(path);
    await other.refresh([path]); // its subscription reports the change
    await other.save(path);
    const file = other.get()[0];
    if (file?.kind !== 'text' || file.outside?.kind !== 'changed') throw new Error('There is no conflict.');
    expect([volume.get(), file.isInConflict]).toEqual(['of the first window', true]);
    expect([file.current.toString(), file.outside.text.toString()]).toEqual([
      'of the second window',
      'of the first window',
    ]);
    other.dispatch({ type: 'merged', path, known: file.outside, text: toFileText('of both').text });
    await other.save(path);
    await store.refresh([path]);
    expect([volume.get(), store.get()[0]]).toMatchObject(['of both', { kind: 'text', outside: null }]);
  });

  it('are created again only when the person decides so after a deletion', async () => {
    const { volume, store, text, edit } = await openedFile();
    edit('mine');
    volume.set(null);
    await store.save(path);
    expect([volume.get(), text().outside?.kind]).toEqual([null, 'deleted']);
    store.dispatch({ type: 'kept', path, known: text().outside });
    await store.save(path);
    expect(volume.get()).toBe('mine');
  });

  it.each(['VALIDATION_FAILED', 'FORBIDDEN'] as const)(
    'are no longer on the volume when something else has their name (%s), and unsaved texts stay',
    async (code) => {
      const { volume, store, edit } = await openedFile();
      const file = () => store.get()[0];
      volume.fail(code);
      await store.refresh([path]);
      expect(file()?.kind).toBe('missing');
      volume.fail(null);
      await store.refresh([path]);
      edit('mine');
      volume.fail(code);
      await store.refresh([path]);
      expect(file()).toMatchObject({ kind: 'text', outside: { kind: 'deleted' } });
    },
  );

  it('wait with a save for a project that does not run, and are saved when it runs again', async () => {
    const { volume, store, text, edit } = await openedFile();
    edit('mine');
    volume.fail('ILLEGAL_STATE');
    await store.save(path);
    expect(text().saving).toBe('waiting');
    edit('mine, and more');
    volume.fail(null);
    await store.resume();
    expect([volume.get(), text().saving]).toEqual(['mine, and more', 'no']);
  });

  it('are saved when the answer to an earlier save was lost', async () => {
    const { volume, store, text, edit } = await openedFile();
    edit('mine');
    volume.set('mine');
    await store.save(path);
    expect(text()).toMatchObject({ isInConflict: false, saving: 'no', outside: null });
  });

  it('do not go back to an older text that was read before a save and arrives after it', async () => {
    const { volume, store, text, edit } = await openedFile();
    edit('mine');
    volume.hold();
    const reading = store.retry(path);
    const saving = store.save(path);
    volume.release();
    await Promise.all([reading, saving]);
    await expect.poll(() => volume.get()).toBe('mine');
    expect(text().current.toString()).toBe('mine');
  });

  it('say why a save was refused', async () => {
    const { volume, store, text, edit } = await openedFile();
    edit('mine');
    volume.fail('QUOTA_EXCEEDED');
    await store.save(path);
    expect(text()).toMatchObject({ saving: 'no', problem: 'The server says QUOTA_EXCEEDED.' });
  });

  it('are opened again after a reload, with the texts that were not saved', async () => {
    const { store, drafts, deps } = await openedFile();
    drafts.write('other.ts', { content: 'unsaved', version: 'v1' });
    const reloaded = createFileStore(deps);
    reloaded.restore();
    await expect
      .poll(() => reloaded.get().map((file) => [file.path, file.kind]))
      .toEqual([
        [path, 'text'],
        ['other.ts', 'text'],
      ]);
    const restored = reloaded.get().at(-1);
    expect(restored?.kind === 'text' && restored.current.toString()).toBe('unsaved');
    store.close(path);
    expect(drafts.readOpened()).toEqual([]);
  });
});

import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openJournal } from './journal.ts';
import type { KubeObject } from './kube-object.ts';
import type { Change } from './store.ts';

const change = (revision: number, name: string, type: Change['type'] = 'ADDED'): Change => {
  const object: KubeObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'n', uid: name, resourceVersion: `${revision}`, creationTimestamp: '' },
  };
  return { revision, resource: '/pods', type, object, previous: undefined };
};

describe('the journal', () => {
  let directory = '';
  const names = (): string[] => openJournal(directory).saved.objects.map(([, object]) => object.metadata.name);

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'journal-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('restores all changes even if it was never closed', () => {
    const journal = openJournal(directory);
    journal.rotate(1, []);
    journal.append(change(2, 'a'));
    journal.append(change(3, 'b'));
    journal.append(change(4, 'a', 'DELETED'));
    expect(openJournal(directory).saved).toMatchObject({
      revision: 4,
      objects: [['/pods', { metadata: { name: 'b' } }]],
    });
  });

  it('keeps all objects when it is rotated into a snapshot', () => {
    const journal = openJournal(directory, 500);
    journal.rotate(1, []);
    expect(journal.append(change(2, 'a'))).toBe(false);
    expect(journal.append(change(3, 'b'))).toBe(false);
    expect(journal.append(change(4, 'c'))).toBe(true);
    journal.rotate(
      4,
      ['a', 'b', 'c'].map((name, index) => ['/pods', change(index + 2, name).object] as const),
    );
    journal.append(change(5, 'd'));
    expect(names()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('ignores changes that are already in the snapshot after a crash between snapshot and journal', () => {
    const journal = openJournal(directory);
    journal.rotate(1, []);
    journal.append(change(2, 'a'));
    journal.append(change(3, 'a', 'DELETED'));
    const lines = readFileSync(path.join(directory, 'journal.jsonl'));
    journal.rotate(4, [['/pods', change(4, 'a').object]]);
    appendFileSync(path.join(directory, 'journal.jsonl'), lines);
    expect(names()).toEqual(['a']);
  });

  it('ignores a last line that a crash has cut short', () => {
    const journal = openJournal(directory);
    journal.rotate(1, []);
    journal.append(change(2, 'a'));
    appendFileSync(path.join(directory, 'journal.jsonl'), '{"revision":3,"resource":"/pods","ty');
    expect(names()).toEqual(['a']);
  });

  it('writes files that only their owner can read', () => {
    openJournal(directory).rotate(1, []);
    for (const file of ['snapshot.jsonl', 'journal.jsonl']) {
      expect(statSync(path.join(directory, file)).mode & 0o777).toBe(0o600);
    }
  });
});

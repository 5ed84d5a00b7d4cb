import { describe, expect, it } from 'vitest';

import type { TaskChanges } from '../../../shared/contract/review.ts';
import { conflictPrompt, notesOn, sizeOf, whyNoBranch } from './review-words.ts';

const file = { path: 'a', status: 'modified', additions: 2, deletions: 1, hasPatch: true, isBinary: false } as const;
const changes: TaskChanges = {
  state: 'open',
  branch: 'task/1',
  baseCommit: 'a'.repeat(40),
  headCommit: 'b'.repeat(40),
  mergeCommit: null,
  files: [file, { ...file, path: 'b' }],
  fileCount: 2,
  isTruncated: false,
  uncommitted: 0,
  problem: null,
  readAt: '2026-11-28T10:00:00.000Z',
};

describe('the words of a review', () => {
  it('say how much has changed, and nothing else when all is shown', () => {
    expect(sizeOf(changes)).toBe('2 files, 4 lines added, 2 removed');
    expect(notesOn(changes)).toEqual([]);
  });

  it('say what is missing, what is not part of it, and what keeps it from being accepted', () => {
    const notes = notesOn({ ...changes, fileCount: 7_000, isTruncated: true, uncommitted: 1, problem: 'Resolve it.' });
    expect(notes).toEqual([
      'Resolve it.',
      '1 file of the project is not committed. The agent does not know these changes; they stay as they are.',
      '6,998 further files changed too, more than can be listed here.',
    ]);
    expect(notesOn({ ...changes, isTruncated: true })).toHaveLength(1);
  });

  it('tell the agent which files to resolve, and a person why there is no branch', () => {
    expect(conflictPrompt(['a', 'b'])).toContain('- a\n- b\n');
    expect(conflictPrompt(Array.from({ length: 60 }, (_, index) => `f${index}`))).toContain('- and 10 more');
    expect(whyNoBranch({ kind: 'project', cause: 'no-commit' })).toContain('Commit once');
  });
});

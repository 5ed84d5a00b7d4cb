import { expect, it } from 'vitest';

import type { Run } from '../../shared/contract/tasks.ts';
import { endingRunsText } from './ending-runs-text.ts';

const task = (title: string, state: Run['state'] | null) => ({ title, latestRun: state && { state } });
const idle = [task('new', null), task('done', 'succeeded'), task('broken', 'failed'), task('off', 'aborted')];

it('names the task whose agent works or waits for an answer, in the trash and for good', () => {
  for (const isFinal of [false, true]) {
    expect(endingRunsText(idle, { isFinal })).toBeNull();
    for (const state of ['running', 'waiting-for-answer'] as const) {
      expect(endingRunsText([...idle, task('report', state)], { isFinal })).toMatch(/“report” is running\..*ends/);
    }
  }
});

it('names a task that has not begun only when the project is deleted for good, because it waits in the trash', () => {
  const tasks = [...idle, task('later', 'waiting-for-project')];
  expect(endingRunsText(tasks, { isFinal: false })).toBeNull();
  expect(endingRunsText(tasks, { isFinal: true })).toMatch(/“later” waits\..*ends/);
});

it('counts several tasks', () => {
  const tasks = [task('a', 'running'), task('b', 'running'), task('c', 'queued')];
  expect(endingRunsText(tasks, { isFinal: true })).toMatch(
    /2 tasks are running, “a” among them\. The task “c” waits\./,
  );
});

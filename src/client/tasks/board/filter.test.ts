import { describe, expect, it } from 'vitest';

import { runWith, taskWith } from '../test-tasks.ts';
import { filterOf, isFiltered, matching, needsPerson, withFilter, type BoardFilter } from './filter.ts';

const none: BoardFilter = { text: '', priority: null, needsYou: false };

describe('the filter of the board', () => {
  it('is kept in the address, beside the other parameters', () => {
    const filter = { text: 'log in', priority: 'high' as const, needsYou: true };
    const params = withFilter(new URLSearchParams('task=1&q=old'), filter);
    expect(params.get('task')).toBe('1');
    expect(filterOf(params)).toEqual(filter);
    expect(`${withFilter(params, none)}`).toBe('task=1');
  });

  it('ignores values that it does not know', () => {
    const filter = filterOf(new URLSearchParams('priority=huge&needs=me&q=%20%20'));
    expect(filter).toEqual(none);
    expect(isFiltered(filter)).toBe(false);
    expect(filterOf(new URLSearchParams({ q: 'x'.repeat(500) })).text).toHaveLength(100);
  });

  const tasks = [
    taskWith({ id: '1', title: 'Fix the log in page', priority: 'high' }),
    taskWith({ id: '2', title: 'Rotate logs', description: 'Once a day, in CRON', state: 'HUMAN_REVIEW' }),
    taskWith({ id: '3', title: 'Third', latestRun: runWith({ state: 'waiting-for-answer' }) }),
    taskWith({ id: '4', title: 'Fourth', latestRun: runWith({ state: 'running' }) }),
  ];
  const found = (filter: Partial<BoardFilter>) =>
    matching(tasks, { ...none, ...filter })
      .map(({ id }) => id)
      .join('');

  it('finds all words in title and description, in any order and case', () => {
    expect([found({}), found({ text: 'LOG' }), found({ text: 'page log' }), found({ text: 'cron rotate' })]).toEqual([
      '1234',
      '12',
      '1',
      '2',
    ]);
  });

  it('finds a priority, and the tasks that wait for a person', () => {
    expect([found({ priority: 'high' }), found({ needsYou: true }), found({ needsYou: true, text: 'third' })]).toEqual([
      '1',
      '23',
      '3',
    ]);
    expect(tasks.map(needsPerson)).toEqual([false, true, true, false]);
  });
});

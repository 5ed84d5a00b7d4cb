import { expect, it } from 'vitest';

import { createAttemptEnds, type EndedAttempt } from './attempt-ends.ts';

const ended = (attempt: number): EndedAttempt => ({ id: 'a', attempt });

it('records an end at once, or before a later attempt when the database did not answer, and each end once', async () => {
  const written: string[] = [];
  let answers = true;
  const write = (how: string) => async (end: EndedAttempt) => {
    if (!answers) throw new Error('the database does not answer');
    written.push(`${how} ${end.attempt}`);
  };
  const ends = createAttemptEnds({ now: write('now'), late: write('late') });

  expect(await ends.record(ended(1))).toBeNull();
  answers = false;
  expect(await ends.record(ended(2))).toMatch(/the database does not answer/);
  await ends.record(ended(3));
  await expect(ends.recordMissed()).rejects.toThrow('the database does not answer');
  expect(written).toEqual(['now 1']);

  answers = true;
  await Promise.all([ends.recordMissed(), ends.recordMissed()]);
  await ends.recordMissed();
  expect(written.toSorted()).toEqual(['late 2', 'late 3', 'now 1']);
});

import { expect, it } from 'vitest';

import { projectFixture } from '../../../tests/support/project-fixture.ts';
import { newsOf } from './project-news.ts';

const quiet = projectFixture({ name: 'Shop' });
const waiting = projectFixture({ name: 'Shop', waitingRuns: 2 });
const failed = projectFixture({ name: 'Shop', status: 'error', message: 'The image does not exist.' });

it('a run that waits for an answer is news, and another one too', () => {
  expect(newsOf(quiet, { ...waiting, waitingRuns: 1 })).toMatchObject({
    title: '“Shop” needs an answer',
    body: '1 agent run waits for you.',
    path: `/projects/${quiet.id}/tasks`,
  });
  expect(newsOf({ ...waiting, waitingRuns: 1 }, waiting)?.body).toBe('2 agent runs wait for you.');
});

it('a run that waits is no news for somebody who may not answer', () => {
  expect(newsOf(quiet, { ...waiting, role: 'viewer' })).toBeNull();
  expect(newsOf(quiet, { ...waiting, role: 'editor' })).not.toBeNull();
});

it('a failure is news once, with its message', () => {
  expect(newsOf(quiet, failed)).toMatchObject({ title: '“Shop” has failed', body: 'The image does not exist.' });
  expect(newsOf(failed, { ...failed, message: 'It is still so.' })).toBeNull();
});

it('what gets better, and what was not known before, is no news', () => {
  expect(newsOf(waiting, quiet)).toBeNull();
  expect(newsOf(failed, quiet)).toBeNull();
  expect(newsOf(undefined, waiting)).toBeNull();
  expect(newsOf(undefined, failed)).toBeNull();
});

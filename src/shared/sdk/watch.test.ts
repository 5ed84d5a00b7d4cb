import { describe, expect, it } from 'vitest';

import { projectFixture } from '../../../tests/support/project-fixture.ts';
import { AppError } from '../contract/errors.ts';
import type { Project } from '../contract/project.ts';
import type { SubscriptionHandlers } from './live-feed.ts';
import { watchProjects } from './watch.ts';

const freshness = { state: 'live', asOf: null } as const;
const v = (statusVersion: number, more: Partial<Project> = {}) => projectFixture({ id: 'p', statusVersion, ...more });

/** A watch whose subscriptions the test controls. */
function setUp({ getProject = async (): Promise<Project> => v(1) } = {}) {
  const opened: SubscriptionHandlers[] = [];
  const abort = new AbortController();
  let open = 0;
  const iterator = watchProjects(
    {
      subscribe(_input, handlers) {
        opened.push(handlers);
        open += 1;
        return {
          unsubscribe() {
            open -= 1;
          },
        };
      },
      getProject,
      delayMs: () => 0,
    },
    { projectId: undefined, signal: abort.signal },
  );
  const next = async () => {
    const { value } = await iterator.next();
    return value ? `${value.id} ${value.status} v${value.statusVersion}` : 'end';
  };
  const current = () => {
    const handlers = opened.at(-1);
    if (!handlers) throw new Error('The watch has not subscribed yet.');
    return handlers;
  };
  return { iterator, next, current, opened, abort, openCount: () => open };
}

describe('a watch', () => {
  it('yields every project of the snapshot and then each change', async () => {
    const { next, current } = setUp();
    const first = next();
    current().onEvent({ type: 'snapshot', projects: [v(1), v(1, { id: 'q' })], freshness });
    expect(await first).toBe('p ready v1');
    expect(await next()).toBe('q ready v1');
    const third = next();
    current().onEvent({ type: 'changed', project: v(2) });
    expect(await third).toBe('p ready v2');
  });

  it('yields each version once and drops older versions', async () => {
    const { next, current } = setUp();
    const first = next();
    current().onEvent({ type: 'changed', project: v(5) });
    await first;
    current().onEvent({ type: 'changed', project: v(5) });
    current().onEvent({ type: 'changed', project: v(4) });
    current().onEvent({ type: 'changed', project: v(6) });
    expect(await next()).toBe('p ready v6');
  });

  it('requests a project that a snapshot lacks and yields its last state', async () => {
    const { next, current } = setUp({ getProject: async () => v(9, { status: 'archived' }) });
    const first = next();
    current().onEvent({ type: 'snapshot', projects: [v(1)], freshness });
    await first;
    const second = next();
    current().onEvent({ type: 'snapshot', projects: [], freshness });
    expect(await second).toBe('p archived v9');
  });

  it('subscribes again when the subscription ended or failed with a transient error', async () => {
    const { next, current, opened } = setUp();
    const first = next();
    current().onComplete();
    await expect.poll(() => opened.length).toBe(2);
    current().onError(new AppError('UNAVAILABLE', 'Try again.'));
    await expect.poll(() => opened.length).toBe(3);
    current().onEvent({ type: 'changed', project: v(1) });
    expect(await first).toBe('p ready v1');
  });

  it('throws the error when subscribing again is useless, and unsubscribes', async () => {
    const { next, current, openCount } = setUp();
    const first = next();
    current().onError(new AppError('NOT_FOUND', 'No such project.'));
    await expect(first).rejects.toThrow('No such project.');
    expect(openCount()).toBe(0);
  });

  it('ends and unsubscribes when its signal aborts', async () => {
    const { next, abort, openCount } = setUp();
    const first = next();
    abort.abort();
    expect(await first).toBe('end');
    expect(openCount()).toBe(0);
  });

  it('unsubscribes when its reader stops reading', async () => {
    const { iterator, next, current, openCount } = setUp();
    const first = next();
    current().onEvent({ type: 'changed', project: v(1) });
    await first;
    await iterator.return();
    expect(openCount()).toBe(0);
  });
});

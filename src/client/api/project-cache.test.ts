import { InfiniteQueryObserver, QueryClient, QueryObserver, type QueryKey } from '@tanstack/react-query';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { Freshness } from '../../shared/contract/events.ts';
import type { Project, ProjectPage } from '../../shared/contract/project.ts';
import type { ListFilter, ProjectPages } from './merge-projects.ts';
import { createProjectCache, type ProjectCache } from './project-cache.ts';
import { testProject } from './test-projects.ts';

const freshness: Freshness = { state: 'live', asOf: '2026-01-01T00:00:00.000Z' };
const listKey = (input: ListFilter): QueryKey => [['projects', 'list'], { input, type: 'infinite' }];
const detailKey = (id: string): QueryKey => [['projects', 'get'], { input: { id }, type: 'query' }];
const activityKey = (id: string): QueryKey => [['projects', 'activity'], { input: { id }, type: 'infinite' }];
const quotaKey: QueryKey = [['projects', 'quota'], { input: {}, type: 'query' }];

let queryClient: QueryClient;
let cache: ProjectCache;

beforeEach(() => {
  queryClient = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity, retry: false } } });
  cache = createProjectCache({ queryClient });
});

afterEach(() => {
  cache.dispose();
  queryClient.clear();
});

const hold = (input: ListFilter, ...items: Project[]): void => {
  const pages: ProjectPages = { pages: [{ items, nextCursor: null }], pageParams: [null] };
  queryClient.setQueryData(listKey(input), pages);
};
const heldIn = (input: ListFilter): string[] =>
  (queryClient.getQueryData<ProjectPages>(listKey(input))?.pages ?? []).flatMap((page) =>
    page.items.map((project) => `${project.name} v${project.statusVersion}`),
  );
const detail = (id: string): Project | undefined => queryClient.getQueryData<Project>(detailKey(id));

describe('events', () => {
  it('are written into the detail and into every cached list that they match', () => {
    const project = testProject(1);
    hold({ sort: 'createdAt' }, project);
    hold({ sort: 'name', status: 'ready' }, project);
    hold({ search: 'project' }, project);
    queryClient.setQueryData(detailKey(project.id), project);
    cache.write({ type: 'changed', project: { ...project, status: 'stopped', statusVersion: 2 } });
    expect(heldIn({ sort: 'createdAt' })).toEqual(['project 1 v2']);
    expect(heldIn({ sort: 'name', status: 'ready' })).toEqual([]);
    expect(heldIn({ search: 'project' })).toEqual(['project 1 v2']);
    expect(detail(project.id)?.status).toBe('stopped');
  });

  it('never replace a newer version, in any order of arrival', () => {
    const project = testProject(1);
    hold({}, project);
    queryClient.setQueryData(detailKey(project.id), project);
    cache.write({ type: 'changed', project: { ...project, statusVersion: 5 } });
    cache.write({ type: 'changed', project: { ...project, statusVersion: 4 } });
    cache.write({ type: 'snapshot', projects: [{ ...project, statusVersion: 3 }], freshness });
    expect(heldIn({})).toEqual(['project 1 v5']);
    expect(detail(project.id)?.statusVersion).toBe(5);
  });

  it('remove a deleted project from the lists and archive its detail, and a late change does not restore it', () => {
    const project = testProject(1);
    hold({}, project);
    queryClient.setQueryData(detailKey(project.id), project);
    cache.write({ type: 'removed', project: { ...project, status: 'archived', statusVersion: 9 } });
    cache.write({ type: 'changed', project: { ...project, statusVersion: 8 } });
    expect(heldIn({})).toEqual([]);
    expect(detail(project.id)?.status).toBe('archived');
  });

  it('of the type snapshot replace the lists and refetch a detail that the snapshot lacks', async () => {
    const [gone, kept, missed] = [testProject(1), testProject(2), testProject(3)];
    hold({}, kept, gone);
    const get = vi.fn(async () => ({ ...gone, status: 'archived' as const, statusVersion: 4 }));
    const unsubscribe = new QueryObserver(queryClient, {
      queryKey: detailKey(gone.id),
      queryFn: get,
      initialData: gone,
    }).subscribe(() => undefined);
    cache.write({ type: 'snapshot', projects: [missed, kept], freshness });
    expect(heldIn({})).toEqual(['project 3 v1', 'project 2 v1']);
    await vi.waitFor(() => expect(detail(gone.id)?.status).toBe('archived'));
    unsubscribe();
  });

  it('correct the answer of a list that was read before them and arrives after them', async () => {
    const project = testProject(1);
    const answer = Promise.withResolvers<ProjectPage>();
    const unsubscribe = new InfiniteQueryObserver(queryClient, {
      queryKey: listKey({}),
      queryFn: () => answer.promise,
      initialPageParam: null as string | null,
      getNextPageParam: (page: ProjectPage) => page.nextCursor,
    }).subscribe(() => undefined);
    cache.write({ type: 'changed', project: { ...project, statusVersion: 2 } });
    cache.write({ type: 'changed', project: testProject(2) });
    answer.resolve({ items: [project], nextCursor: null });
    await vi.waitFor(() => expect(heldIn({})).toEqual(['project 2 v1', 'project 1 v2']));
    unsubscribe();
  });

  it('correct the answer of a detail that was read before them and arrives after them', async () => {
    const project = testProject(1);
    const answer = Promise.withResolvers<Project>();
    const fetched = queryClient.fetchQuery({ queryKey: detailKey(project.id), queryFn: () => answer.promise });
    cache.write({ type: 'changed', project: { ...project, status: 'error', statusVersion: 2 } });
    answer.resolve(project);
    await fetched;
    expect(detail(project.id)?.status).toBe('error');
  });

  it('invalidate the timeline of the changed project, and of no other project', () => {
    const [one, other] = [testProject(1), testProject(2)];
    cache.write({ type: 'snapshot', projects: [one, other], freshness });
    for (const { id } of [one, other]) queryClient.setQueryData(activityKey(id), { pages: [], pageParams: [] });
    cache.write({ type: 'changed', project: { ...one, statusVersion: 2 } });
    expect(queryClient.getQueryState(activityKey(one.id))?.isInvalidated).toBe(true);
    expect(queryClient.getQueryState(activityKey(other.id))?.isInvalidated).toBe(false);
  });

  it('are the newest state of a project for a page that opens later', () => {
    const project = testProject(1);
    cache.write({ type: 'snapshot', projects: [project], freshness });
    cache.writeAnswer({ ...project, status: 'stopping', statusVersion: 2 });
    expect(cache.newest(project.id)?.status).toBe('stopping');
    expect(cache.newest('unknown')).toBeUndefined();
  });
});

describe('the expected result of a command', () => {
  const project = testProject(1);
  const stopping = { status: 'stopping', desiredState: 'stopped' } as const;
  beforeEach(() => {
    hold({}, project);
    hold({ status: 'ready' }, project);
    queryClient.setQueryData(detailKey(project.id), project);
    cache.write({ type: 'snapshot', projects: [project], freshness });
  });
  const statusInList = () => queryClient.getQueryData<ProjectPages>(listKey({}))?.pages[0]?.items[0]?.status;

  it('is shown at once and removes the project from lists that it no longer matches', () => {
    cache.expect(project, stopping);
    expect(detail(project.id)).toMatchObject({ ...stopping, name: 'project 1' });
    expect(statusInList()).toBe('stopping');
    expect(heldIn({ status: 'ready' })).toEqual([]);
    expect(cache.newest(project.id)?.status).toBe('ready');
  });

  it('is replaced by the previous state when the command fails', () => {
    cache.expect(project, stopping)();
    expect(detail(project.id)).toEqual(project);
    expect(statusInList()).toBe('ready');
    expect(heldIn({ status: 'ready' })).toEqual(['project 1 v1']);
  });

  it('covers events that arrive meanwhile, which are shown when it is removed', () => {
    const settle = cache.expect(project, stopping);
    cache.write({ type: 'changed', project: { ...project, description: 'new', statusVersion: 2 } });
    expect(detail(project.id)).toMatchObject({ status: 'stopping', description: 'new' });
    settle();
    expect(detail(project.id)).toMatchObject({ status: 'ready', description: 'new', statusVersion: 2 });
  });

  it('is replaced by the answer of the command', () => {
    const settle = cache.expect(project, stopping);
    cache.writeAnswer({ ...project, status: 'stopped', desiredState: 'stopped', statusVersion: 3 });
    settle();
    expect(detail(project.id)?.status).toBe('stopped');
    expect(statusInList()).toBe('stopped');
  });

  it('of two commands is removed one by one', () => {
    const first = cache.expect(project, { name: 'renamed' });
    const second = cache.expect(project, stopping);
    first();
    expect(detail(project.id)).toMatchObject({ name: 'project 1', status: 'stopping' });
    second();
    second();
    expect(detail(project.id)).toEqual(project);
  });

  it('is also shown for a project without any event', () => {
    const other = testProject(2);
    queryClient.setQueryData(detailKey(other.id), other);
    const settle = cache.expect(other, stopping);
    expect(detail(other.id)?.status).toBe('stopping');
    settle();
    expect(detail(other.id)).toEqual(other);
  });
});

describe('what can be started', () => {
  const project = testProject(1);
  const isStale = () => queryClient.getQueryState(quotaKey)?.isInvalidated;
  const changes = (change: Partial<Project>) =>
    cache.write({ type: 'changed', project: { ...project, ...change, statusVersion: 2 } });
  beforeEach(() => {
    cache.write({ type: 'snapshot', projects: [project], freshness });
    queryClient.setQueryData(quotaKey, {});
  });

  it.each([
    ['is started or stopped', () => changes({ desiredState: 'stopped' })],
    ['gets another size', () => changes({ size: 'L' })],
    ['gets a pod of another size', () => changes({ podSize: 'L' })],
    ['gets another name', () => changes({ name: 'other' })],
    ['is created', () => cache.writeAnswer(testProject(2))],
    ['is gone', () => cache.write({ type: 'snapshot', projects: [], freshness })],
  ])('is read again when a project %s', (_what, happen) => {
    expect(isStale()).toBe(false);
    happen();
    expect(isStale()).toBe(true);
  });

  it('stays as it is while only the status of a project changes', () => {
    changes({ status: 'initializing' });
    expect(isStale()).toBe(false);
  });
});

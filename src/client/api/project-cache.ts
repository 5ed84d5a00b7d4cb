/**
 * The only writer of projects into the query cache. Projects arrive as events or as answers of commands. It writes them into
 * `projects.get`, into every cached `projects.list`, and into the newest known state of each project.
 *
 * The newest state is kept because the answer to a query may have been read before an event and may arrive after it. The cache
 * corrects each of these answers with the newest state, which is also stored in the query cache.
 *
 * A command under way shows its expected result at once. The expected fields cover the newest state, also when events arrive
 * meanwhile, and are removed when the command has been answered.
 */

import type { Query, QueryClient, QueryKey } from '@tanstack/react-query';

import type { ProjectEvent } from '../../shared/contract/events.ts';
import type { Project } from '../../shared/contract/project.ts';
import { mergeIntoPages, newerProject, type IncomingProjects, type ProjectPages } from './merge-projects.ts';

export interface ProjectCache {
  /** Writes one event of the subscription, in the order of arrival. */
  write(event: Extract<ProjectEvent, { type: 'snapshot' | 'changed' | 'removed' }>): void;
  /** Writes the answer of a command, like an event with this project. */
  writeAnswer(project: Project): void;
  /** Shows the project with `change` until the returned function is called. Then the newest state is shown again. */
  expect(project: Project, change: Partial<Project>): () => void;
  /** The newest known state of a project. */
  newest(id: string): Project | undefined;
  /** All known projects, in no particular order. */
  all(): Project[];
  /** Calls back when a known project has changed. The returned function ends it. */
  onNewest(onChange: () => void): () => void;
  /** Stops correcting the answers of queries. */
  dispose(): void;
}

type NewestProjects = ReadonlyMap<string, Project>;

const newestKey: QueryKey = ['newest-projects'];
// The keys of tRPC's hooks: the path, then the input. The path alone matches each input.
const listKey: QueryKey = [['projects', 'list']];
const detailKey: QueryKey = [['projects', 'get']];
const activityKey: QueryKey = [['projects', 'activity']];
const configKey: QueryKey = [['config', 'get']];
const membersKey: QueryKey = [['members', 'list']];
const quotaKey: QueryKey = [['projects', 'quota']];

/** Creates the cache and starts to correct the answers that arrive in the query cache. */
export function createProjectCache({ queryClient }: { queryClient: QueryClient }): ProjectCache {
  queryClient.setQueryDefaults(newestKey, { gcTime: Infinity, staleTime: Infinity });
  const expectations = new Set<{ id: string; change: Partial<Project> }>();
  const newest = (): NewestProjects => queryClient.getQueryData<NewestProjects>(newestKey) ?? new Map();

  function write(incoming: IncomingProjects): void {
    const known = newest();
    const next = new Map([...known].filter(([, project]) => !incoming.complete || project.status === 'archived'));
    const changedIds = new Set<string>();
    for (const project of incoming.projects) {
      const held = known.get(project.id);
      const winner = newerProject(held, project);
      next.set(project.id, winner);
      if (held !== undefined && winner !== held) changedIds.add(project.id);
    }
    queryClient.setQueryData<NewestProjects>(newestKey, next);
    if (differInQuota(known, next)) void queryClient.invalidateQueries({ queryKey: quotaKey });
    const winners = {
      projects: incoming.projects.map((each) => next.get(each.id) ?? each),
      complete: incoming.complete,
    };
    show(winners);
    if (changedIds.size > 0) {
      // Each change adds a line to the timeline, and may concern the members and what the pod uses. What is on the screen is read again.
      for (const queryKey of [activityKey, configKey, membersKey]) {
        void queryClient.invalidateQueries({
          queryKey,
          predicate: (query) => changedIds.has((inputOf(query.queryKey) as { id: string }).id),
        });
      }
    }
  }

  function show(incoming: IncomingProjects, pick = shownOf): void {
    for (const query of queriesOf(detailKey)) correctDetail(query, incoming, pick);
    for (const query of queriesOf(listKey)) correctList(query, incoming, pick);
  }

  /** The newer of the two states, covered by the expected fields. */
  function shownOf(held: Project, incoming: Project): Project {
    const newer = newerProject(held, incoming);
    const changes = [...expectations].filter(({ id }) => id === newer.id).map(({ change }) => change);
    return changes.length === 0 ? newer : Object.assign({}, newer, ...changes);
  }

  function correctDetail(query: Query, incoming: IncomingProjects, pick = shownOf): void {
    const held = query.state.data as Project | undefined; // queries with this key hold the answer of `projects.get`
    if (held === undefined) return;
    const arrived = incoming.projects.find((project) => project.id === held.id);
    if (arrived !== undefined) {
      const winner = pick(held, arrived);
      if (winner !== held) queryClient.setQueryData(query.queryKey, winner);
    } else if (incoming.complete && held.status !== 'archived') {
      // The project was deleted while no events arrived. The query reads its last state.
      void queryClient.invalidateQueries({ queryKey: query.queryKey, exact: true });
    }
  }

  function correctList(query: Query, incoming: IncomingProjects, pick = shownOf): void {
    const held = query.state.data as ProjectPages | undefined; // queries with this key hold pages of `projects.list`
    if (held === undefined) return;
    const merged = mergeIntoPages(held, inputOf(query.queryKey), incoming, pick);
    if (merged !== held) queryClient.setQueryData(query.queryKey, merged);
  }

  const queriesOf = (queryKey: QueryKey): Query[] => queryClient.getQueryCache().findAll({ queryKey });

  const dispose = queryClient.getQueryCache().subscribe((event) => {
    if (event.type !== 'updated' || event.action.type !== 'success' || event.action.manual === true) return;
    const incoming = { projects: [...newest().values()], complete: false };
    if (startsWith(event.query.queryKey, listKey)) correctList(event.query, incoming);
    if (startsWith(event.query.queryKey, detailKey)) correctDetail(event.query, incoming);
  });

  return {
    write(event) {
      if (event.type === 'snapshot') write({ projects: event.projects, complete: true });
      else write({ projects: [event.project], complete: false });
    },
    writeAnswer(project) {
      write({ projects: [project], complete: false });
    },
    expect(project, change) {
      const expectation = { id: project.id, change };
      const known = (): Project => newest().get(project.id) ?? project;
      expectations.add(expectation);
      show({ projects: [known()], complete: false });
      return () => {
        if (!expectations.delete(expectation)) return;
        // The shown state has the same version as the newest state, and must be replaced nevertheless.
        show({ projects: [known()], complete: false }, (_held, incoming) => shownOf(incoming, incoming));
      };
    },
    newest: (id) => newest().get(id),
    all: () => [...newest().values()],
    onNewest: (onChange) =>
      queryClient.getQueryCache().subscribe(({ type, query }) => {
        if (type === 'updated' && query.queryKey[0] === newestKey[0]) onChange();
      }),
    dispose,
  };
}

/** Whether a project came, went, was started or stopped, or has another size or name. Its pod counts too. */
function differInQuota(known: NewestProjects, next: NewestProjects): boolean {
  if (known.size !== next.size) return true;
  return [...next.values()].some((project) => {
    const before = known.get(project.id);
    return (['desiredState', 'size', 'podSize', 'name'] as const).some((field) => before?.[field] !== project[field]);
  });
}

function startsWith(queryKey: QueryKey, prefix: QueryKey): boolean {
  return JSON.stringify(queryKey[0]) === JSON.stringify(prefix[0]);
}

/** The input of a query. The second part of a tRPC key is `{ input, type }`; the hooks write it from typed input. */
function inputOf(queryKey: QueryKey): object {
  return (queryKey[1] as { input?: object } | undefined)?.input ?? {};
}

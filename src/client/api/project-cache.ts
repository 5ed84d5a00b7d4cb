/**
 * The one place where projects that arrive (by events, or as answers of commands) are written into the query cache:
 * into `projects.get`, into every cached `projects.list`, and into the newest state known of each project.
 *
 * That newest state is kept because an answer to a list or a detail may have been read before an event and arrive after
 * it; each such answer is corrected by what is known already. It lives in the query cache like everything else.
 *
 * A command that is under way shows at once what it is expected to bring. That lies over the newest state, whatever arrives
 * meanwhile, and is taken away when the command has been answered.
 */

import type { Query, QueryClient, QueryKey } from '@tanstack/react-query';

import type { ProjectEvent } from '../../shared/contract/events.ts';
import type { Project } from '../../shared/contract/project.ts';
import { mergeIntoPages, newerProject, type IncomingProjects, type ProjectPages } from './merge-projects.ts';

export interface ProjectCache {
  /** Writes one event of the subscription, in the order of arrival. */
  write(event: Extract<ProjectEvent, { type: 'snapshot' | 'changed' | 'removed' }>): void;
  /** Writes the answer of a command: the same as an event that says so. */
  writeAnswer(project: Project): void;
  /** Shows the project with `change` until the returned function is called: then what is known is shown again. */
  expect(project: Project, change: Partial<Project>): () => void;
  /** The newest state known of a project, whichever way it came. */
  newest(id: string): Project | undefined;
  /** Everything that the person has, in no order. */
  all(): Project[];
  /** Ends the correction of answers. */
  dispose(): void;
}

type NewestProjects = ReadonlyMap<string, Project>;

const newestKey: QueryKey = ['newest-projects'];
// The keys of tRPC's hooks: the path, then the input. The path alone matches each input.
const listKey: QueryKey = [['projects', 'list']];
const detailKey: QueryKey = [['projects', 'get']];
const activityKey: QueryKey = [['projects', 'activity']];

/** Builds the writer and begins to correct the answers that the query cache receives. */
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
    const winners = {
      projects: incoming.projects.map((each) => next.get(each.id) ?? each),
      complete: incoming.complete,
    };
    show(winners);
    if (changedIds.size > 0) {
      // Each visible change adds a line to the timeline, which is read again where it is on the screen.
      void queryClient.invalidateQueries({
        queryKey: activityKey,
        predicate: (query) => changedIds.has((inputOf(query.queryKey) as { id: string }).id),
      });
    }
  }

  function show(incoming: IncomingProjects, pick = shownOf): void {
    for (const query of queriesOf(detailKey)) correctDetail(query, incoming, pick);
    for (const query of queriesOf(listKey)) correctList(query, incoming, pick);
  }

  /** The newer one of two, with what is expected of it. */
  function shownOf(held: Project, incoming: Project): Project {
    const newer = newerProject(held, incoming);
    const changes = [...expectations].filter(({ id }) => id === newer.id).map(({ change }) => change);
    return changes.length === 0 ? newer : Object.assign({}, newer, ...changes);
  }

  function correctDetail(query: Query, incoming: IncomingProjects, pick = shownOf): void {
    const held = query.state.data as Project | undefined; // the key says that it holds the answer of `projects.get`
    if (held === undefined) return;
    const arrived = incoming.projects.find((project) => project.id === held.id);
    if (arrived !== undefined) {
      const winner = pick(held, arrived);
      if (winner !== held) queryClient.setQueryData(query.queryKey, winner);
    } else if (incoming.complete && held.status !== 'archived') {
      // It was deleted while nothing was heard. The server says what became of it.
      void queryClient.invalidateQueries({ queryKey: query.queryKey, exact: true });
    }
  }

  function correctList(query: Query, incoming: IncomingProjects, pick = shownOf): void {
    const held = query.state.data as ProjectPages | undefined; // the key says that it holds pages of `projects.list`
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
        // What was shown bears the same version as what is known, and must go all the same.
        show({ projects: [known()], complete: false }, (_held, incoming) => shownOf(incoming, incoming));
      };
    },
    newest: (id) => newest().get(id),
    all: () => [...newest().values()],
    dispose,
  };
}

function startsWith(queryKey: QueryKey, prefix: QueryKey): boolean {
  return JSON.stringify(queryKey[0]) === JSON.stringify(prefix[0]);
}

/** The input of a query: the second part of a tRPC key is `{ input, type }`, written by the hooks from typed input. */
function inputOf(queryKey: QueryKey): object {
  return (queryKey[1] as { input?: object } | undefined)?.input ?? {};
}

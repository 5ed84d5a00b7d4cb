/**
 * The SDK: a typed client for scripts and programs, in Node and in the browser, without React. It owns one WebSocket,
 * which is open only while something is watched. Where no WebSocket passes, it polls. It caches nothing.
 */

import {
  createTRPCClient,
  httpBatchLink,
  httpLink,
  splitLink,
  wsLink,
  type TRPCClient,
  type TRPCLink,
} from '@trpc/client';

import type { AppRouter } from '../../server/router.ts';
import { backOffMs } from '../back-off.ts';
import type { ActivityPage } from '../contract/activity.ts';
import type { LogContainer, ProjectLogs } from '../contract/pod-logs.ts';
import type { CreateProjectInput, Project, ProjectPage, ProjectSort, UpdateProjectInput } from '../contract/project.ts';
import type { ProjectQuota } from '../contract/sizes.ts';
import type { ProjectStatus } from '../contract/states.ts';
import { createConfigCalls, type ConfigCalls } from './config-calls.ts';
import { createFileCalls, type FileCalls } from './files.ts';
import { createLiveSocket, type LiveSocket } from './live-socket.ts';
import { liveCalls, subscribeLive } from './live-subscription.ts';
import { createMemberCalls, type MemberCalls } from './member-calls.ts';
import { createModelCalls, type ModelCalls } from './model-calls.ts';
import { readAppError, withAppErrors } from './read-app-error.ts';
import { createRunCalls, createTaskCalls, type RunCalls, type TaskCalls } from './task-calls.ts';
import { isUnbatched } from './unbatched-calls.ts';
import { watchProjects, type WatchDeps } from './watch.ts';

export { AppError, type AppErrorCode } from '../contract/errors.ts';
export type { ProjectMembers } from '../contract/members.ts';
export type { ModelProviders, ModelUsage } from '../contract/models.ts';
export type { Project } from '../contract/project.ts';
export type { AcceptResult, TaskChanges } from '../contract/review.ts';
export type { ProjectQuota } from '../contract/sizes.ts';
export type { Run, RunOutputEvent, Task, TaskEvent, Transcript } from '../contract/tasks.ts';
export { applyOutput } from '../contract/apply-output.ts';
export { readAppError };

/** As many calls as the server takes in one request. */
const maxBatchSize = 20;
const requestTimeoutMs = 30_000;
const reconnectBounds = { firstMs: 250, longestMs: 5_000 };

export interface ClientOptions {
  /** Where the application is, such as `https://projects.example.com`. */
  url: string;
  /** A personal access token. Without it a browser's own session is used. */
  token?: string;
  /** A number from 0 (inclusive) to 1 (exclusive). It spreads the reconnects of many clients. */
  random?: () => number;
}

/** A project, or its id. */
export type ProjectRef = string | { id: string };

export interface ListInput {
  limit?: number;
  cursor?: string | null;
  search?: string;
  status?: ProjectStatus;
  sort?: ProjectSort;
  /** Projects in the trash, instead of the others. */
  inTrash?: boolean;
}

export interface LogsInput {
  id: string;
  container: LogContainer;
  /** The run before the last restart of the container. */
  previous?: boolean;
  /** From 1 to 2,000. */
  tailLines?: number;
}

export interface Client {
  /** Every procedure of the API, typed from the router. It throws the library's errors: {@link readAppError} reads them. */
  trpc: TRPCClient<AppRouter>;
  /** @throws AppError if the API refuses the call; the library's TRPCClientError if the API did not answer */
  projects: {
    create(input: CreateProjectInput): Promise<Project>;
    get(project: ProjectRef): Promise<Project>;
    list(input?: ListInput): Promise<ProjectPage>;
    update(input: UpdateProjectInput): Promise<Project>;
    /** Deletes pod and volume for good, also of a project in the trash. */
    delete(project: ProjectRef): Promise<Project>;
    /** Stops the project and keeps its volume for some days: see `trashDaysLeft`. */
    trash(project: ProjectRef): Promise<Project>;
    /** Takes a project out of the trash. It is stopped then, and has another name if its name is used meanwhile. */
    restore(project: ProjectRef): Promise<Project>;
    stop(project: ProjectRef): Promise<Project>;
    start(project: ProjectRef): Promise<Project>;
    restart(project: ProjectRef): Promise<Project>;
    retry(project: ProjectRef): Promise<Project>;
    /** Somebody uses the project: its countdown to the idle stop ends, and its time begins again. */
    keep(project: ProjectRef): Promise<Project>;
    /** What the caller's projects use, and what can still be started or created, by size. */
    quota(): Promise<ProjectQuota>;
    /** The address that lets the caller's browser into the project, once and within 30 seconds. */
    open(project: ProjectRef): Promise<string>;
    activity(input: string | { id: string; cursor?: string | null }): Promise<ActivityPage>;
    /** The newest lines of a container's log: 500 lines of the current run, unless the input says otherwise. */
    logs(input: LogsInput): Promise<ProjectLogs>;
  };
  /** The files of a project that runs. */
  files: FileCalls;
  /** What OpenCode reads in a project: model, permissions, instructions, MCP servers. */
  config: ConfigCalls;
  /** The people with whom a project is shared. */
  members: MemberCalls;
  tasks: TaskCalls;
  runs: RunCalls;
  models: ModelCalls;
  /**
   * Every state of one project, or of all projects, starting with the current one. Reconnects and resumes by itself. Ends
   * when the signal aborts or the client is closed.
   */
  watch(projectId?: string, options?: { signal?: AbortSignal }): AsyncGenerator<Project, void, undefined>;
  /**
   * Resolves to the project as soon as `predicate` is true for it.
   * @throws WaitTimeout after `timeoutMs` (60 s)
   */
  waitFor(
    projectId: string,
    predicate: (project: Project) => boolean,
    options?: { timeoutMs?: number; signal?: AbortSignal },
  ): Promise<Project>;
  /** Ends every watch and closes the socket. */
  close(): Promise<void>;
}

/** The predicate did not become true in time; `project` is the last state that was received. */
export class WaitTimeout extends Error {
  override readonly name = 'WaitTimeout';
  readonly project: Project | null;

  constructor(message: string, project: Project | null) {
    super(message);
    this.project = project;
  }
}

/**
 * Connects to the API.
 * @example
 * const client = createClient({ url: 'http://localhost:3080', token });
 * const project = await client.projects.create({ name: 'Example' });
 * await client.waitFor(project.id, ({ status }) => status === 'ready', { timeoutMs: 120_000 });
 * await client.projects.delete(project);
 * await client.close();
 */
export function createClient({ url, token, random = Math.random }: ClientOptions): Client {
  const base = url.replace(/\/+$/, '');
  const closed = new AbortController();
  const reconnect = { ...reconnectBounds, random };
  const socket = createLiveSocket({
    url: base,
    ...(token === undefined ? {} : { token }),
    reconnect,
    closeWhenUnusedMs: 500,
    pingIntervalMs: 45_000,
  });
  const delayMs = (failedAttempts: number) => backOffMs(failedAttempts, reconnect);
  const trpc = createTRPCClient<AppRouter>({ links: createLinks(base, token, socket) });

  function watch(projectId?: string, options: { signal?: AbortSignal } = {}) {
    const signal = AbortSignal.any([closed.signal, ...(options.signal ? [options.signal] : [])]);
    const deps: WatchDeps = {
      subscribe: (input, handlers) => subscribeLive({ ...liveCalls(trpc, socket, input), delayMs }, handlers),
      getProject: (id) => trpc.projects.get.query({ id }),
      delayMs,
    };
    return watchProjects(deps, { projectId, signal });
  }

  return {
    trpc,
    projects: createProjectCalls(trpc),
    files: createFileCalls({ trpc, base, headers: authorizationOf(token), withAppErrors }),
    config: createConfigCalls(trpc),
    members: createMemberCalls(trpc),
    tasks: createTaskCalls(trpc, closed.signal),
    runs: createRunCalls(trpc, closed.signal),
    models: createModelCalls(trpc),
    watch,
    waitFor: (projectId, predicate, options = {}) => waitForProject(watch, projectId, predicate, options),
    async close() {
      closed.abort();
      await socket.client.close();
    },
  };
}

const authorizationOf = (token: string | undefined): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` };

function createLinks(base: string, token: string | undefined, socket: LiveSocket): TRPCLink<AppRouter>[] {
  const options = {
    url: `${base}/trpc`,
    headers: authorizationOf(token),
    fetch: ((target, init) => {
      const limits = [AbortSignal.timeout(requestTimeoutMs), ...(init?.signal ? [init.signal] : [])];
      return fetch(target, { ...(init as RequestInit), signal: AbortSignal.any(limits) });
    }) satisfies Parameters<typeof httpLink>[0]['fetch'],
  };
  return [
    splitLink({
      condition: (operation) => operation.type === 'subscription',
      true: wsLink({ client: socket.client }),
      false: splitLink({
        condition: isUnbatched,
        true: httpLink(options),
        false: httpBatchLink({ ...options, maxItems: maxBatchSize }),
      }),
    }),
  ];
}

function createProjectCalls(trpc: TRPCClient<AppRouter>): Client['projects'] {
  const { projects } = trpc;
  return {
    create: (input) => withAppErrors(projects.create.mutate(input)),
    get: (project) => withAppErrors(projects.get.query(refOf(project))),
    list: (input = {}) => withAppErrors(projects.list.query(input)),
    update: (input) => withAppErrors(projects.update.mutate(input)),
    delete: (project) => withAppErrors(projects.delete.mutate(refOf(project))),
    trash: (project) => withAppErrors(projects.trash.mutate(refOf(project))),
    restore: (project) => withAppErrors(projects.restore.mutate(refOf(project))),
    stop: (project) => withAppErrors(projects.stop.mutate(refOf(project))),
    start: (project) => withAppErrors(projects.start.mutate(refOf(project))),
    restart: (project) => withAppErrors(projects.restart.mutate(refOf(project))),
    retry: (project) => withAppErrors(projects.retry.mutate(refOf(project))),
    keep: (project) => withAppErrors(projects.keep.mutate(refOf(project))),
    quota: () => withAppErrors(projects.quota.query({})),
    open: async (project) => (await withAppErrors(projects.open.mutate(refOf(project)))).url,
    activity: (input) => withAppErrors(projects.activity.query(typeof input === 'string' ? { id: input } : input)),
    logs: (input) => withAppErrors(projects.logs.query(input)),
  };
}

async function waitForProject(
  watch: Client['watch'],
  projectId: string,
  predicate: (project: Project) => boolean,
  { timeoutMs = 60_000, signal }: { timeoutMs?: number; signal?: AbortSignal },
): Promise<Project> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), timeoutMs);
  const signals = [limit.signal, ...(signal ? [signal] : [])];
  let last: Project | null = null;
  try {
    for await (const project of watch(projectId, { signal: AbortSignal.any(signals) })) {
      last = project;
      if (predicate(project)) return project;
    }
  } finally {
    clearTimeout(timer);
  }
  signal?.throwIfAborted();
  throw new WaitTimeout(`Project ${projectId} did not get there within ${timeoutMs} ms. ${describeLast(last)}`, last);
}

function describeLast(project: Project | null): string {
  if (project === null) return 'No state of the project was received.';
  return `It is ${project.status}${project.message === null ? '' : `: ${project.message}`}`;
}

/** The server refuses unknown fields, so only the id of a project is sent. */
function refOf(project: ProjectRef): { id: string } {
  return { id: typeof project === 'string' ? project : project.id };
}

/**
 * The SDK: a typed client for scripts and programs, in Node and in the browser, without React. It owns one WebSocket,
 * opened when something is watched and closed soon after nothing is. It never keeps a copy of what the server knows.
 */

import { createTRPCClient, createWSClient, httpBatchLink, splitLink, wsLink, type TRPCClient } from '@trpc/client';

import type { AppRouter } from '../../server/router.ts';
import type { ActivityPage } from '../contract/activity.ts';
import type { CreateProjectInput, Project, ProjectPage, UpdateProjectInput } from '../contract/project.ts';
import type { ProjectSort } from '../contract/project.ts';
import type { ProjectStatus } from '../contract/states.ts';
import { readAppError } from './read-app-error.ts';
import { watchProjects } from './watch.ts';

export { AppError, type AppErrorCode } from '../contract/errors.ts';
export type { Project } from '../contract/project.ts';
export { readAppError };

/** As many calls as the server takes in one request. */
const maxBatchSize = 20;
const requestTimeoutMs = 30_000;
const firstDelayMs = 250;
const longestDelayMs = 5_000;

export interface ClientOptions {
  /** Where the application is, such as `https://projects.example.com`. */
  url: string;
  /** A personal access token. Without it a browser's own session is used. */
  token?: string;
  /** From 0 to below 1; spreads the reconnects of many clients. */
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
}

export interface Client {
  /** Every procedure of the API, typed from the router. Its errors are the library's: {@link readAppError} reads them. */
  trpc: TRPCClient<AppRouter>;
  /** @throws AppError what the API refuses; the library's TRPCClientError when it did not answer */
  projects: {
    create(input: CreateProjectInput): Promise<Project>;
    get(project: ProjectRef): Promise<Project>;
    list(input?: ListInput): Promise<ProjectPage>;
    update(input: UpdateProjectInput): Promise<Project>;
    delete(project: ProjectRef): Promise<Project>;
    stop(project: ProjectRef): Promise<Project>;
    start(project: ProjectRef): Promise<Project>;
    restart(project: ProjectRef): Promise<Project>;
    retry(project: ProjectRef): Promise<Project>;
    activity(input: string | { id: string; cursor?: string | null }): Promise<ActivityPage>;
  };
  /**
   * Every state of one project, or of all, beginning with the present one. Reconnects and resumes by itself; ends when
   * the signal aborts or the client is closed.
   */
  watch(projectId?: string, options?: { signal?: AbortSignal }): AsyncGenerator<Project, void, undefined>;
  /**
   * The project as soon as `predicate` holds for it.
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

/** What was waited for did not come in time; `project` is the last state that was seen. */
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
  let failedAttempts = 0;

  const delayMs = (attempt: number) => {
    const ceiling = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(attempt, 10));
    return Math.round(ceiling / 2 + (ceiling / 2) * random());
  };

  const socket = createWSClient({
    url: `${base.replace(/^http/, 'ws')}/trpc`,
    ...(token === undefined ? {} : { connectionParams: { token } }),
    lazy: { enabled: true, closeMs: 500 },
    // Counted here: the library begins anew whenever a socket merely opens, so a server that accepts and then refuses
    // would be asked without pause.
    retryDelayMs: () => delayMs(failedAttempts++),
    // Finds a line that is dead without having been closed.
    keepAlive: { enabled: true, intervalMs: 45_000, pongTimeoutMs: 5_000 },
  });

  const trpc = createTRPCClient<AppRouter>({
    links: [
      splitLink({
        condition: (operation) => operation.type === 'subscription',
        true: wsLink({ client: socket }),
        false: httpBatchLink({
          url: `${base}/trpc`,
          maxItems: maxBatchSize,
          headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
          fetch: (target, init) => {
            const limits = [AbortSignal.timeout(requestTimeoutMs), ...(init?.signal ? [init.signal] : [])];
            return fetch(target, { ...(init as RequestInit), signal: AbortSignal.any(limits) });
          },
        }),
      }),
    ],
  });

  function watch(projectId?: string, options: { signal?: AbortSignal } = {}) {
    const signal = AbortSignal.any([closed.signal, ...(options.signal ? [options.signal] : [])]);
    return watchProjects(
      {
        subscribe: (input, handlers) =>
          trpc.projects.onChange.subscribe(input, {
            onData: (event) => {
              failedAttempts = 0;
              handlers.onData(event.data);
            },
            onError: handlers.onError,
            onComplete: handlers.onComplete,
          }),
        getProject: (id) => trpc.projects.get.query({ id }),
        delayMs,
      },
      { projectId, signal },
    );
  }

  return {
    trpc,
    projects: {
      create: (input) => typed(trpc.projects.create.mutate(input)),
      get: (project) => typed(trpc.projects.get.query(refOf(project))),
      list: (input = {}) => typed(trpc.projects.list.query(input)),
      update: (input) => typed(trpc.projects.update.mutate(input)),
      delete: (project) => typed(trpc.projects.delete.mutate(refOf(project))),
      stop: (project) => typed(trpc.projects.stop.mutate(refOf(project))),
      start: (project) => typed(trpc.projects.start.mutate(refOf(project))),
      restart: (project) => typed(trpc.projects.restart.mutate(refOf(project))),
      retry: (project) => typed(trpc.projects.retry.mutate(refOf(project))),
      activity: (input) => typed(trpc.projects.activity.query(typeof input === 'string' ? { id: input } : input)),
    },
    watch,
    async waitFor(projectId, predicate, { timeoutMs = 60_000, signal } = {}) {
      const limit = new AbortController();
      const timer = setTimeout(() => limit.abort(), timeoutMs);
      let last: Project | null = null;
      try {
        for await (const project of watch(projectId, {
          signal: AbortSignal.any([limit.signal, ...(signal ? [signal] : [])]),
        })) {
          last = project;
          if (predicate(project)) return project;
        }
      } finally {
        clearTimeout(timer);
      }
      signal?.throwIfAborted();
      const observed = last
        ? `It is ${last.status}${last.message === null ? '' : `: ${last.message}`}`
        : 'It was never seen.';
      throw new WaitTimeout(`Project ${projectId} did not get there within ${timeoutMs} ms. ${observed}`, last);
    },
    async close() {
      closed.abort();
      await socket.close();
    },
  };
}

/** With the API's own error in the place of the library's, where the API has answered. */
async function typed<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw readAppError(error) ?? error;
  }
}

/** The server refuses unknown fields, so of a whole project only the id is sent. */
function refOf(project: ProjectRef): { id: string } {
  return { id: typeof project === 'string' ? project : project.id };
}

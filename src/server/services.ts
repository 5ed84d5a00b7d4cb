/** What the procedures call: one function a procedure. Built in `context.ts`. */
import type { TrackedEnvelope } from '@trpc/server';

import type { AccessToken, User } from '../shared/contract/account.ts';
import type { ActivityPage } from '../shared/contract/activity.ts';
import type { ProjectEvent } from '../shared/contract/events.ts';
import type {
  CreateProjectInput,
  ListProjectsInput,
  Project,
  ProjectPage,
  UpdateProjectInput,
} from '../shared/contract/project.ts';

/** Who asks, and the id that follows the request through logs and queue. */
export interface Caller {
  user: User;
  requestId: string;
}

export interface ProjectService {
  create(caller: Caller, input: CreateProjectInput): Promise<Project>;
  get(caller: Caller, id: string): Promise<Project>;
  list(caller: Caller, input: ListProjectsInput): Promise<ProjectPage>;
  update(caller: Caller, input: UpdateProjectInput): Promise<Project>;
  delete(caller: Caller, id: string): Promise<Project>;
  stop(caller: Caller, id: string): Promise<Project>;
  start(caller: Caller, id: string): Promise<Project>;
  restart(caller: Caller, id: string): Promise<Project>;
  retry(caller: Caller, id: string): Promise<Project>;
  activity(caller: Caller, input: { id: string; cursor?: string | null | undefined }): Promise<ActivityPage>;
}

export interface ProjectSubscriptions {
  /** Snapshot, then every change, until `signal` aborts. Each event is tracked by the id of the status stream. */
  subscribe(
    caller: Caller,
    options: {
      projectId: string | null;
      lastEventId: string | null;
      signal: AbortSignal;
      /** Resolves when the subscriber has taken most of what it was sent, or when the signal aborts. */
      whenWritable: (signal: AbortSignal) => Promise<void>;
    },
  ): AsyncIterable<TrackedEnvelope<ProjectEvent>>;
}

export interface TokenService {
  create(caller: Caller, input: { name: string; expiresAt: string | null }): Promise<AccessToken & { token: string }>;
  list(caller: Caller): Promise<AccessToken[]>;
  revoke(caller: Caller, id: string): Promise<AccessToken>;
}

export interface Services {
  projects: ProjectService;
  subscriptions: ProjectSubscriptions;
  tokens: TokenService;
}

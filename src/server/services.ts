/** The services that procedures call: one function per procedure. Built in `context.ts`. */

import type { TrackedEnvelope } from '@trpc/server';

import type { AccessToken, RevokedSessions, Session, User } from '../shared/contract/account.ts';
import type { ActivityPage } from '../shared/contract/activity.ts';
import type {
  ApplyingConfig,
  Config,
  ConfigVersion,
  ConfigVersionInfo,
  RestoreConfigInput,
  SaveConfigInput,
  SavedConfig,
} from '../shared/contract/config.ts';
import type { PolledDeviceLogin, StartedDeviceLogin, WaitingDevice } from '../shared/contract/device-login.ts';
import type { UsualStart } from '../shared/contract/diagnosis.ts';
import type { ProjectEvent, ProjectPoll } from '../shared/contract/events.ts';
import type {
  FileContent,
  FileEntry,
  FileList,
  FileMatches,
  FilesEvent,
  GitDiff,
  GitStatus,
  UnsavedWork,
  ListFilesInput,
  ReadFileInput,
  SearchFilesInput,
  WriteFileInput,
  WrittenFile,
} from '../shared/contract/files.ts';
import type { ModelProviders, ModelUsage, SetModelKeyInput } from '../shared/contract/models.ts';
import type { LogContainer, LogEvent, ProjectLogs, ReadLogsInput } from '../shared/contract/pod-logs.ts';
import type {
  CreateProjectInput,
  IdleStopDefault,
  TrashSettings,
  ListProjectsInput,
  OpenedProject,
  Project,
  ProjectPage,
  UpdateProjectInput,
} from '../shared/contract/project.ts';
import type {
  AcceptInput,
  AcceptResult,
  FileDiff,
  FileDiffInput,
  PushResult,
  TaskChanges,
} from '../shared/contract/review.ts';
import type { ProjectQuota } from '../shared/contract/sizes.ts';
import type {
  AnswerRunInput,
  CreateTaskInput,
  FollowUpInput,
  MoveTaskInput,
  Run,
  RunOutputEvent,
  StartRunInput,
  Task,
  TaskEvent,
  Transcript,
  UpdateTaskInput,
} from '../shared/contract/tasks.ts';
import type { RestoredData } from '../shared/node/db/restored-data.ts';
import type { Credential } from './auth/identity.ts';

/** The caller, and the id that follows the request through logs and queue. */
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
  trash(caller: Caller, id: string): Promise<Project>;
  /** Another name is chosen if somebody uses its name meanwhile. */
  restore(caller: Caller, id: string): Promise<Project>;
  stop(caller: Caller, id: string): Promise<Project>;
  start(caller: Caller, id: string): Promise<Project>;
  restart(caller: Caller, id: string): Promise<Project>;
  retry(caller: Caller, id: string): Promise<Project>;
  open(caller: SessionCaller, id: string): Promise<OpenedProject>;
  activity(caller: Caller, input: { id: string; cursor?: string | null | undefined }): Promise<ActivityPage>;
  usualStart(caller: Caller): Promise<UsualStart>;
  keep(caller: Caller, id: string): Promise<Project>;
  quota(caller: Caller): Promise<ProjectQuota>;
  idleStopDefault(caller: Caller): Promise<IdleStopDefault>;
  trashSettings(caller: Caller): Promise<TrashSettings>;
}

export interface ProjectSubscriptions {
  /** A snapshot, then every change, until `signal` aborts. The id of each event is its id in the status stream. */
  subscribe(
    caller: Caller,
    options: {
      projectId: string | null;
      lastEventId: string | null;
      signal: AbortSignal;
      /** Resolves when the subscriber has read most of what it was sent, or when the signal aborts. */
      whenWritable: (signal: AbortSignal) => Promise<void>;
    },
  ): AsyncIterable<TrackedEnvelope<ProjectEvent>>;
}

export interface ProjectPolls {
  /**
   * A snapshot, or the events after `lastEventId`; waits for the next event if there is none, for some seconds.
   * @throws AppError NOT_FOUND; RATE_LIMITED when too many polls of the caller wait; UNAUTHENTICATED when the session ends
   */
  poll(
    caller: SessionCaller,
    options: { projectId: string | null; lastEventId: string | null; signal: AbortSignal },
  ): Promise<ProjectPoll>;
}

export interface ProjectLogService {
  /** @throws AppError NOT_FOUND; UNAVAILABLE when no worker answers */
  read(caller: Caller, input: ReadLogsInput): Promise<ProjectLogs>;
  /**
   * The newest lines, then each new line once, until `signal` aborts or the pod was replaced by another one.
   * @throws AppError NOT_FOUND
   */
  follow(
    caller: Caller,
    options: {
      id: string;
      container: LogContainer;
      signal: AbortSignal;
      /** Resolves when the subscriber has read most of what it was sent, or when the signal aborts. */
      whenWritable: (signal: AbortSignal) => Promise<void>;
    },
  ): AsyncIterable<LogEvent>;
}

/**
 * The files of a project, which the file browser of its pod reads and writes.
 * @throws AppError NOT_FOUND for another's project and for a path that does not exist; ILLEGAL_STATE while the project does not
 * run; CONFLICT when a file was changed in between, or exists already; UNAVAILABLE when the pod does not answer
 */
export interface FileService {
  list(caller: Caller, input: ListFilesInput): Promise<FileList>;
  stat(caller: Caller, input: { id: string; path: string }): Promise<FileEntry>;
  read(caller: Caller, input: ReadFileInput): Promise<FileContent>;
  write(caller: Caller, input: WriteFileInput): Promise<WrittenFile>;
  makeFolder(caller: Caller, input: { id: string; path: string }): Promise<FileEntry>;
  rename(caller: Caller, input: { id: string; from: string; to: string }): Promise<FileEntry>;
  copy(caller: Caller, input: { id: string; from: string; to: string }): Promise<FileEntry>;
  delete(caller: Caller, input: { id: string; path: string }): Promise<Record<string, never>>;
  search(caller: Caller, input: SearchFilesInput): Promise<FileMatches>;
  gitStatus(caller: Caller, input: { id: string }): Promise<GitStatus>;
  unsaved(caller: Caller, input: { id: string }): Promise<UnsavedWork>;
  gitDiff(caller: Caller, input: { id: string; path?: string | undefined }): Promise<GitDiff>;
  /** Says when watched folders and files change, until `signal` aborts. */
  watch(
    caller: Caller,
    options: {
      id: string;
      folders: string[];
      files: string[];
      signal: AbortSignal;
      /** Resolves when the subscriber has read most of what it was sent, or when the signal aborts. */
      whenWritable: (signal: AbortSignal) => Promise<void>;
    },
  ): AsyncIterable<FilesEvent>;
}

export interface TaskService {
  create(caller: Caller, input: CreateTaskInput): Promise<Task>;
  get(caller: Caller, id: string): Promise<Task>;
  list(caller: Caller, projectId: string): Promise<{ items: Task[] }>;
  update(caller: Caller, input: UpdateTaskInput): Promise<Task>;
  move(caller: Caller, input: MoveTaskInput): Promise<Task>;
  delete(caller: Caller, id: string): Promise<{ id: string }>;
}

interface SubscriptionOptions {
  signal: AbortSignal;
  /** Resolves when the subscriber has read most of what it was sent, or when the signal aborts. */
  whenWritable: (signal: AbortSignal) => Promise<void>;
}

export interface TaskSubscriptions {
  /** All tasks of the project, then every change, until `signal` aborts. @throws AppError NOT_FOUND */
  subscribe(caller: Caller, options: SubscriptionOptions & { projectId: string }): AsyncIterable<TaskEvent>;
}

/** @throws AppError UNAVAILABLE, ILLEGAL_STATE with the reason when git cannot do it now */
export interface ReviewService {
  changes(caller: Caller, id: string): Promise<{ changes: TaskChanges | null }>;
  fileDiff(caller: Caller, input: FileDiffInput): Promise<FileDiff>;
  accept(caller: Caller, input: AcceptInput): Promise<AcceptResult>;
  discard(caller: Caller, id: string): Promise<Task>;
  push(caller: Caller, id: string): Promise<PushResult>;
}

export interface RunService {
  start(caller: Caller, input: StartRunInput): Promise<Run>;
  followUp(caller: Caller, input: FollowUpInput): Promise<Run>;
  get(caller: Caller, id: string): Promise<Run>;
  list(caller: Caller, taskId: string): Promise<{ items: Run[] }>;
  abort(caller: Caller, id: string): Promise<Run>;
  answer(caller: Caller, input: AnswerRunInput): Promise<Run>;
  transcript(caller: Caller, id: string): Promise<Transcript>;
}

export interface RunOutput {
  /** The conversation, then its output as it comes, until the run has ended or `signal` aborts. @throws AppError NOT_FOUND */
  follow(caller: Caller, options: SubscriptionOptions & { runId: string }): AsyncIterable<RunOutputEvent>;
}

export interface ModelService {
  providers(caller: Caller): Promise<ModelProviders>;
  /** Replaces the caller's key for the provider. @throws AppError NOT_FOUND; ILLEGAL_STATE when no keys are stored here */
  setKey(caller: Caller, input: SetModelKeyInput): Promise<{ provider: string }>;
  deleteKey(caller: Caller, provider: string): Promise<{ provider: string }>;
  usage(caller: Caller, days: number): Promise<ModelUsage>;
}

/**
 * The configuration of OpenCode in a project.
 * @throws AppError NOT_FOUND; CONFLICT when a newer version was saved; VALIDATION_FAILED when OpenCode would refuse the document;
 * ILLEGAL_STATE
 */
export interface ConfigService {
  get(caller: Caller, id: string): Promise<Config>;
  save(caller: Caller, input: SaveConfigInput): Promise<SavedConfig>;
  versions(caller: Caller, id: string): Promise<{ items: ConfigVersionInfo[] }>;
  version(caller: Caller, input: { id: string; version: number }): Promise<ConfigVersion>;
  restore(caller: Caller, input: RestoreConfigInput): Promise<SavedConfig>;
  applyNow(caller: Caller, id: string): Promise<ApplyingConfig>;
}

export interface TokenService {
  create(caller: Caller, input: { name: string; expiresAt: string | null }): Promise<AccessToken & { token: string }>;
  list(caller: Caller): Promise<AccessToken[]>;
  revoke(caller: Caller, id: string): Promise<AccessToken>;
}

/** A caller together with the credential of the request. */
export interface SessionCaller extends Caller {
  credential: Credential | null;
}

export interface SessionService {
  list(caller: SessionCaller): Promise<Session[]>;
  revoke(caller: SessionCaller, id: string): Promise<RevokedSessions>;
  revokeOthers(caller: SessionCaller): Promise<RevokedSessions>;
  revokeAll(caller: SessionCaller): Promise<RevokedSessions>;
}

/**
 * A person in a browser decides about a computer that waits with this code.
 * @throws AppError NOT_FOUND when none does; FORBIDDEN for a token; RATE_LIMITED after some codes
 */
export interface DeviceService {
  find(caller: SessionCaller, userCode: string): Promise<WaitingDevice>;
  confirm(caller: SessionCaller, userCode: string): Promise<Record<string, never>>;
  refuse(caller: SessionCaller, userCode: string): Promise<Record<string, never>>;
}

/** Called by computers on which nobody is signed in. */
export interface DeviceLoginService {
  /** @throws AppError RATE_LIMITED by address */
  start(input: { address: string; name: string }): Promise<StartedDeviceLogin>;
  poll(input: { deviceCode: string }): Promise<PolledDeviceLogin>;
}

/**
 * A service is assignable to this type only if each function takes the caller first. Procedures can call only services, so
 * no procedure can forget to pass the caller.
 */
type TakesCaller<S> = {
  [K in keyof S]: S[K] extends (...args: infer A) => unknown
    ? A extends [Caller, ...unknown[]]
      ? S[K]
      : never
    : never;
};

export type Services = { [K in keyof ServicesByName]: TakesCaller<ServicesByName[K]> } & {
  /** For the check before mutations, which concerns no caller. */
  restoredData: Pick<RestoredData, 'check'>;
  /** The one service without a caller. */
  deviceLogins: DeviceLoginService;
};

interface ServicesByName {
  projects: ProjectService;
  subscriptions: ProjectSubscriptions;
  polls: ProjectPolls;
  logs: ProjectLogService;
  files: FileService;
  config: ConfigService;
  tasks: TaskService;
  review: ReviewService;
  taskSubscriptions: TaskSubscriptions;
  runs: RunService;
  runOutput: RunOutput;
  models: ModelService;
  tokens: TokenService;
  devices: DeviceService;
  sessions: SessionService;
}

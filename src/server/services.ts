/**
 * The services that procedures call: one function per procedure. Built in `context.ts`. All of them stand in this one place, so that no
 * type can forget the caller, hence its length.
 */

import type { TrackedEnvelope } from '@trpc/server';

import type {
  AccessToken,
  ChangeDefaultsInput,
  ProjectDefaults,
  RevokedSessions,
  Session,
  User,
} from '../shared/contract/account.ts';
import type { ActivityPage } from '../shared/contract/activity.ts';
import type {
  AdminProjectPage,
  AdminUsage,
  AuditPage,
  EndedSessions,
  EndSessionsInput,
  ListAllProjectsInput,
  ListAuditInput,
  ListPeopleInput,
  Notice,
  PeoplePage,
} from '../shared/contract/admin.ts';
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
import type {
  AddMemberInput,
  ProjectMembers,
  RemoveMemberInput,
  SetMemberRoleInput,
} from '../shared/contract/members.ts';
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
import type { Right } from '../shared/contract/roles.ts';
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

/** A caller who needs a right in a project. The procedure says which. */
export interface ProjectCaller extends Caller {
  right: Right;
}

export interface ProjectService {
  create(caller: Caller, input: CreateProjectInput): Promise<Project>;
  get(caller: ProjectCaller, id: string): Promise<Project>;
  list(caller: ProjectCaller, input: ListProjectsInput): Promise<ProjectPage>;
  update(caller: ProjectCaller, input: UpdateProjectInput): Promise<Project>;
  delete(caller: ProjectCaller, id: string): Promise<Project>;
  trash(caller: ProjectCaller, id: string): Promise<Project>;
  /** Another name is chosen if somebody uses its name meanwhile. */
  restore(caller: ProjectCaller, id: string): Promise<Project>;
  stop(caller: ProjectCaller, id: string): Promise<Project>;
  start(caller: ProjectCaller, id: string): Promise<Project>;
  restart(caller: ProjectCaller, id: string): Promise<Project>;
  retry(caller: ProjectCaller, id: string): Promise<Project>;
  open(caller: ProjectCaller & SessionCaller, id: string): Promise<OpenedProject>;
  activity(caller: ProjectCaller, input: { id: string; cursor?: string | null | undefined }): Promise<ActivityPage>;
  usualStart(caller: Caller): Promise<UsualStart>;
  keep(caller: ProjectCaller, id: string): Promise<Project>;
  quota(caller: Caller): Promise<ProjectQuota>;
  idleStopDefault(caller: Caller): Promise<IdleStopDefault>;
  trashSettings(caller: Caller): Promise<TrashSettings>;
}

export interface ProjectSubscriptions {
  /** A snapshot, then every change, until `signal` aborts. The id of each event is its id in the status stream. */
  subscribe(
    caller: ProjectCaller,
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
    caller: ProjectCaller & SessionCaller,
    options: { projectId: string | null; lastEventId: string | null; signal: AbortSignal },
  ): Promise<ProjectPoll>;
}

export interface ProjectLogService {
  /** @throws AppError NOT_FOUND; UNAVAILABLE when no worker answers */
  read(caller: ProjectCaller, input: ReadLogsInput): Promise<ProjectLogs>;
  /**
   * The newest lines, then each new line once, until `signal` aborts or the pod was replaced by another one.
   * @throws AppError NOT_FOUND
   */
  follow(
    caller: ProjectCaller,
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
  list(caller: ProjectCaller, input: ListFilesInput): Promise<FileList>;
  stat(caller: ProjectCaller, input: { id: string; path: string }): Promise<FileEntry>;
  read(caller: ProjectCaller, input: ReadFileInput): Promise<FileContent>;
  write(caller: ProjectCaller, input: WriteFileInput): Promise<WrittenFile>;
  makeFolder(caller: ProjectCaller, input: { id: string; path: string }): Promise<FileEntry>;
  rename(caller: ProjectCaller, input: { id: string; from: string; to: string }): Promise<FileEntry>;
  copy(caller: ProjectCaller, input: { id: string; from: string; to: string }): Promise<FileEntry>;
  delete(caller: ProjectCaller, input: { id: string; path: string }): Promise<Record<string, never>>;
  search(caller: ProjectCaller, input: SearchFilesInput): Promise<FileMatches>;
  gitStatus(caller: ProjectCaller, input: { id: string }): Promise<GitStatus>;
  unsaved(caller: ProjectCaller, input: { id: string }): Promise<UnsavedWork>;
  gitDiff(caller: ProjectCaller, input: { id: string; path?: string | undefined }): Promise<GitDiff>;
  /** Says when watched folders and files change, until `signal` aborts. */
  watch(
    caller: ProjectCaller,
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
  create(caller: ProjectCaller, input: CreateTaskInput): Promise<Task>;
  get(caller: ProjectCaller, id: string): Promise<Task>;
  list(caller: ProjectCaller, projectId: string): Promise<{ items: Task[] }>;
  update(caller: ProjectCaller, input: UpdateTaskInput): Promise<Task>;
  move(caller: ProjectCaller, input: MoveTaskInput): Promise<Task>;
  delete(caller: ProjectCaller, id: string): Promise<{ id: string }>;
}

interface SubscriptionOptions {
  signal: AbortSignal;
  /** Resolves when the subscriber has read most of what it was sent, or when the signal aborts. */
  whenWritable: (signal: AbortSignal) => Promise<void>;
}

export interface TaskSubscriptions {
  /** All tasks of the project, then every change, until `signal` aborts. @throws AppError NOT_FOUND */
  subscribe(caller: ProjectCaller, options: SubscriptionOptions & { projectId: string }): AsyncIterable<TaskEvent>;
}

/** @throws AppError UNAVAILABLE, ILLEGAL_STATE with the reason when git cannot do it now */
export interface ReviewService {
  changes(caller: ProjectCaller, id: string): Promise<{ changes: TaskChanges | null }>;
  fileDiff(caller: ProjectCaller, input: FileDiffInput): Promise<FileDiff>;
  accept(caller: ProjectCaller, input: AcceptInput): Promise<AcceptResult>;
  discard(caller: ProjectCaller, id: string): Promise<Task>;
  push(caller: ProjectCaller, id: string): Promise<PushResult>;
}

export interface RunService {
  start(caller: ProjectCaller, input: StartRunInput): Promise<Run>;
  followUp(caller: ProjectCaller, input: FollowUpInput): Promise<Run>;
  get(caller: ProjectCaller, id: string): Promise<Run>;
  list(caller: ProjectCaller, taskId: string): Promise<{ items: Run[] }>;
  abort(caller: ProjectCaller, id: string): Promise<Run>;
  answer(caller: ProjectCaller, input: AnswerRunInput): Promise<Run>;
  transcript(caller: ProjectCaller, id: string): Promise<Transcript>;
}

export interface RunOutput {
  /** The conversation, then its output as it comes, until the run has ended or `signal` aborts. @throws AppError NOT_FOUND */
  follow(caller: ProjectCaller, options: SubscriptionOptions & { runId: string }): AsyncIterable<RunOutputEvent>;
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
  get(caller: ProjectCaller, id: string): Promise<Config>;
  save(caller: ProjectCaller, input: SaveConfigInput): Promise<SavedConfig>;
  versions(caller: ProjectCaller, id: string): Promise<{ items: ConfigVersionInfo[] }>;
  version(caller: ProjectCaller, input: { id: string; version: number }): Promise<ConfigVersion>;
  restore(caller: ProjectCaller, input: RestoreConfigInput): Promise<SavedConfig>;
  applyNow(caller: ProjectCaller, id: string): Promise<ApplyingConfig>;
}

export interface MemberService {
  /** Only the owner is given e-mail addresses. @throws AppError NOT_FOUND */
  list(caller: ProjectCaller, id: string): Promise<ProjectMembers>;
  /** Changes the role of somebody who is a member already. @throws AppError NOT_FOUND; VALIDATION_FAILED; QUOTA_EXCEEDED */
  add(caller: ProjectCaller, input: AddMemberInput): Promise<ProjectMembers>;
  setRole(caller: ProjectCaller, input: SetMemberRoleInput): Promise<ProjectMembers>;
  remove(caller: ProjectCaller, input: RemoveMemberInput): Promise<ProjectMembers>;
  leave(caller: ProjectCaller, id: string): Promise<{ id: string }>;
}

/** The caller's own choices for new projects. */
export interface DefaultsService {
  get(caller: Caller): Promise<ProjectDefaults>;
  /** @throws AppError VALIDATION_FAILED if the installation has no such size */
  set(caller: Caller, change: ChangeDefaultsInput): Promise<ProjectDefaults>;
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

/** @throws AppError FORBIDDEN unless the caller is an administrator, except for `isAdministrator` and `notice` */
export interface AdminService {
  isAdministrator(caller: Caller): Promise<boolean>;
  notice(caller: Caller): Promise<Notice>;
  people(caller: Caller, input: ListPeopleInput): Promise<PeoplePage>;
  endSessions(caller: Caller, input: EndSessionsInput): Promise<EndedSessions>;
  projects(caller: Caller, input: ListAllProjectsInput): Promise<AdminProjectPage>;
  stopProject(caller: Caller, id: string): Promise<{ id: string }>;
  usage(caller: Caller, days: number): Promise<AdminUsage>;
  audit(caller: Caller, input: ListAuditInput): Promise<AuditPage>;
  setNotice(caller: Caller, notice: Notice): Promise<Notice>;
}

export interface AuditService {
  /** Never rejects. */
  record(
    caller: SessionCaller,
    call: {
      /** The name of the procedure. */
      action: string;
      /** `done`, or the code of the error. */
      outcome: string;
      input?: unknown;
      /** What was returned. */
      result?: unknown;
    },
  ): Promise<void>;
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
  /** @param input.requestId for the audit log */
  poll(input: { deviceCode: string; requestId: string }): Promise<PolledDeviceLogin>;
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
  admin: AdminService;
  audit: AuditService;
  defaults: DefaultsService;
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
  members: MemberService;
  tokens: TokenService;
  devices: DeviceService;
  sessions: SessionService;
}

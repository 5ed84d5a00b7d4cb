/** The people whom this server serves: their subscribers, and which version of each of their projects all of them have received. */

import type { Project, PublishedProject } from '../../shared/contract/project.ts';
import { audienceOf, projectFor } from '../../shared/node/project-access.ts';
import type { HubSubscriber } from './status-hub.ts';

/** A row of the comparison with the database: a project that a person owns, or that is or was shared with that person. */
export interface ProjectVersion {
  id: string;
  userId: string;
  statusVersion: number;
  /** The person does not see it: it is archived, it is in the trash of somebody else, or it is not shared any more. */
  isHidden: boolean;
}

export interface RegisteredUser {
  subscribers: Set<HubSubscriber>;
  /** While this is not 0, the user is remembered without subscribers, too. */
  keepers: number;
  /**
   * The newest version of each project that was delivered to all subscribers of this user. A subscriber that joins later
   * reads its snapshot after joining, so it misses none of these versions either.
   */
  versions: Map<string, number>;
  /** Of these projects the user was sent that they are not shared any more. Their further versions do not concern the user. */
  withdrawn: Set<string>;
  /** False until a complete snapshot was read: only then does a project that `versions` lacks mean a new project. */
  hasBaseline: boolean;
  /** How often a subscriber has resumed: it may show a project that no snapshot has, because the stream lost its end. */
  resumes: number;
  /** {@link resumes} when the last comparison began that was completed. */
  comparedResumes: number;
}

/** A project whose newest version was not delivered. `isLoss`: the stream may have lost it. */
interface Undelivered {
  id: string;
  userId: string;
  user: RegisteredUser;
  isLoss: boolean;
}

interface UserRegistry {
  /** Registers a subscriber; the returned function removes it. */
  join: (userId: string, subscriber: HubSubscriber) => () => void;
  /** Remembers the user, subscribers or not, until the returned function is called. Call that once. */
  keep: (userId: string) => () => void;
  /** Call it before the rows of these users are read, and `complete` when everything in them was delivered. */
  beginComparison(): { userIds: string[]; complete: () => void };
  subscribers(): HubSubscriber[];
  /** Delivers the project to the subscribers of each person who may see it, as that person may see it, unless they have received this version. */
  deliver(id: string, project: PublishedProject): void;
  /** The projects whose newest version was not delivered to a user's subscribers. */
  findUndelivered(rows: ProjectVersion[]): Undelivered[];
  /** The delivered version of each project whose row has an older one. */
  findFallen(rows: ProjectVersion[]): Map<string, number>;
  /** From now on every version is new. */
  forgetVersions(): void;
  find(userId: string): RegisteredUser | undefined;
}

export function createUserRegistry(): UserRegistry {
  const users = new Map<string, RegisteredUser>();

  function findOrAdd(userId: string): RegisteredUser {
    const user = users.get(userId) ?? {
      subscribers: new Set(),
      keepers: 0,
      versions: new Map(),
      withdrawn: new Set(),
      hasBaseline: false,
      resumes: 0,
      comparedResumes: 0,
    };
    users.set(userId, user);
    return user;
  }

  function removeUnused(userId: string, user: RegisteredUser): void {
    const isUsed = user.subscribers.size > 0 || user.keepers > 0;
    if (!isUsed && users.get(userId) === user) users.delete(userId);
  }

  return {
    join(userId, subscriber) {
      const user = findOrAdd(userId);
      user.subscribers.add(subscriber);
      return () => {
        user.subscribers.delete(subscriber);
        removeUnused(userId, user);
      };
    },
    keep(userId) {
      const user = findOrAdd(userId);
      user.keepers += 1;
      return () => {
        user.keepers -= 1;
        removeUnused(userId, user);
      };
    },
    beginComparison() {
      const begun = [...users.values()].map((user) => ({ user, resumes: user.resumes }));
      return {
        userIds: [...users.keys()],
        complete() {
          for (const { user, resumes } of begun) user.comparedResumes = resumes;
        },
      };
    },
    subscribers: () => [...users.values()].flatMap((user) => [...user.subscribers]),
    deliver(id, project) {
      for (const userId of audienceOf(project)) {
        const user = users.get(userId);
        const isNew = user && noteDelivered(user, project.id, project.statusVersion);
        const shown = isNew ? projectFor(project, userId) : null;
        if (!user || !shown || !concerns(user, shown)) continue;
        for (const subscriber of user.subscribers) subscriber.onProject(id, shown);
      }
    },
    findUndelivered: (rows) =>
      rows.flatMap((row) => {
        const user = users.get(row.userId);
        if (!user || !isUndelivered(row, user)) return [];
        // Who has resumed shows what the stream delivered, and nobody knows whether it delivered this version.
        return [{ id: row.id, userId: row.userId, user, isLoss: user.hasBaseline || user.resumes > 0 }];
      }),
    findFallen: (rows) =>
      new Map(
        rows.flatMap((row) => {
          const delivered = users.get(row.userId)?.versions.get(row.id);
          return delivered !== undefined && delivered > row.statusVersion ? [[row.id, delivered] as const] : [];
        }),
      ),
    forgetVersions() {
      for (const user of users.values()) {
        user.versions.clear();
        user.withdrawn.clear();
        user.hasBaseline = false;
      }
    },
    find: (userId) => users.get(userId),
  };
}

/** @returns `false` if this version, or a newer one, was delivered before */
function noteDelivered(user: RegisteredUser, projectId: string, version: number): boolean {
  if ((user.versions.get(projectId) ?? 0) >= version) return false;
  user.versions.set(projectId, version);
  return true;
}

/** Who has lost the access learns it once, and nothing of what happens afterwards. */
function concerns(user: RegisteredUser, { id, role }: Pick<Project, 'id' | 'role'>): boolean {
  if (role !== 'none') {
    user.withdrawn.delete(id);
    return true;
  }
  if (user.withdrawn.has(id)) return false;
  user.withdrawn.add(id);
  return true;
}

function isUndelivered(row: ProjectVersion, user: RegisteredUser): boolean {
  const version = user.versions.get(row.id);
  // The project was hidden before the snapshot was read, so no subscriber shows it, unless one has resumed since.
  const isCompared = user.hasBaseline && user.resumes === user.comparedResumes;
  if (version === undefined && row.isHidden && isCompared) return false;
  return (version ?? 0) < row.statusVersion;
}

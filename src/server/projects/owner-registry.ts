/** The owners that this server serves: their subscribers, and which version of each project all of them have received. */

import type { Project } from '../../shared/contract/project.ts';
import type { HubSubscriber } from './status-hub.ts';

/** A row of the comparison with the database. */
export interface ProjectVersion {
  id: string;
  ownerId: string;
  statusVersion: number;
  archived: boolean;
}

export interface Owner {
  subscribers: Set<HubSubscriber>;
  /** While this is not 0, the owner is remembered without subscribers, too. */
  keepers: number;
  /**
   * The newest version of each project that was delivered to all subscribers of this owner. A subscriber that joins later
   * reads its snapshot after joining, so it misses none of these versions either.
   */
  versions: Map<string, number>;
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
  owner: Owner;
  isLoss: boolean;
}

interface OwnerRegistry {
  /** Registers a subscriber; the returned function removes it. */
  join: (ownerId: string, subscriber: HubSubscriber) => () => void;
  /** Remembers the owner, subscribers or not, until the returned function is called. Call that once. */
  keep: (ownerId: string) => () => void;
  /** Call it before the rows of these owners are read, and `complete` when everything in them was delivered. */
  beginComparison(): { ownerIds: string[]; complete: () => void };
  subscribers(): HubSubscriber[];
  /** Delivers the project to its owner's subscribers unless they have received this version. */
  deliver(id: string, project: Project): void;
  /** The projects whose newest version was not delivered to their owner's subscribers. */
  findUndelivered(rows: ProjectVersion[]): Undelivered[];
  /** The delivered version of each project whose row has an older one. */
  findFallen(rows: ProjectVersion[]): Map<string, number>;
  /** From now on every version is new. */
  forgetVersions(): void;
  find(ownerId: string): Owner | undefined;
}

export function createOwnerRegistry(): OwnerRegistry {
  const owners = new Map<string, Owner>();

  function findOrAdd(ownerId: string): Owner {
    const owner = owners.get(ownerId) ?? {
      subscribers: new Set(),
      keepers: 0,
      versions: new Map(),
      hasBaseline: false,
      resumes: 0,
      comparedResumes: 0,
    };
    owners.set(ownerId, owner);
    return owner;
  }

  function removeUnused(ownerId: string, owner: Owner): void {
    const isUsed = owner.subscribers.size > 0 || owner.keepers > 0;
    if (!isUsed && owners.get(ownerId) === owner) owners.delete(ownerId);
  }

  return {
    join(ownerId, subscriber) {
      const owner = findOrAdd(ownerId);
      owner.subscribers.add(subscriber);
      return () => {
        owner.subscribers.delete(subscriber);
        removeUnused(ownerId, owner);
      };
    },
    keep(ownerId) {
      const owner = findOrAdd(ownerId);
      owner.keepers += 1;
      return () => {
        owner.keepers -= 1;
        removeUnused(ownerId, owner);
      };
    },
    beginComparison() {
      const begun = [...owners.values()].map((owner) => ({ owner, resumes: owner.resumes }));
      return {
        ownerIds: [...owners.keys()],
        complete() {
          for (const { owner, resumes } of begun) owner.comparedResumes = resumes;
        },
      };
    },
    subscribers: () => [...owners.values()].flatMap((owner) => [...owner.subscribers]),
    deliver(id, project) {
      const owner = owners.get(project.ownerId);
      if (!owner || (owner.versions.get(project.id) ?? 0) >= project.statusVersion) return;
      owner.versions.set(project.id, project.statusVersion);
      for (const subscriber of owner.subscribers) subscriber.onProject(id, project);
    },
    findUndelivered: (rows) =>
      rows.flatMap((row) => {
        const owner = owners.get(row.ownerId);
        if (!owner || !isUndelivered(row, owner)) return [];
        // Who has resumed shows what the stream delivered, and nobody knows whether it delivered this version.
        return [{ id: row.id, owner, isLoss: owner.hasBaseline || owner.resumes > 0 }];
      }),
    findFallen: (rows) =>
      new Map(
        rows.flatMap((row) => {
          const delivered = owners.get(row.ownerId)?.versions.get(row.id);
          return delivered !== undefined && delivered > row.statusVersion ? [[row.id, delivered] as const] : [];
        }),
      ),
    forgetVersions() {
      for (const owner of owners.values()) {
        owner.versions.clear();
        owner.hasBaseline = false;
      }
    },
    find: (ownerId) => owners.get(ownerId),
  };
}

function isUndelivered(row: ProjectVersion, owner: Owner): boolean {
  const version = owner.versions.get(row.id);
  // The project was archived before the snapshot was read, so no subscriber shows it, unless one has resumed since.
  const isCompared = owner.hasBaseline && owner.resumes === owner.comparedResumes;
  if (version === undefined && row.archived && isCompared) return false;
  return (version ?? 0) < row.statusVersion;
}

/**
 * Fans the status stream out to the subscribers of this server: one reader, whatever the number of sockets. It owns two
 * loops: the reader of the stream, and the comparison with the database that finds what the stream has lost. It never
 * calls Kubernetes and never keeps a project longer than its ring of recent entries.
 */

import type { Freshness, StreamEntry } from '../../shared/contract/events.ts';
import type { Project } from '../../shared/contract/project.ts';
import { compareStreamIds, type StatusReader } from '../../shared/node/status-stream.ts';
import { freshnessOf, worthTelling, type Comparison, type Heartbeat } from './freshness.ts';

/** What a subscriber hears. The callbacks must return at once and must not throw. */
export interface HubSubscriber {
  onProject(id: string, project: Project): void;
  onFreshness(id: string, freshness: Freshness): void;
  /** Entries may have been missed: read the database anew. */
  onGap(id: string): void;
}

export interface StatusHub {
  /** Registers; the returned function leaves. From now on the subscriber misses nothing, so read the snapshot after. */
  join: (ownerId: string, subscriber: HubSubscriber) => () => void;
  /** Id of the newest entry that has been fanned out. */
  lastId: () => string;
  freshness: () => Freshness;
  heartbeatAgeSeconds: () => number | null;
  /** The owner's entries after `id`, or `null` when the ring no longer reaches back to it. */
  entriesAfter(ownerId: string, id: string): { id: string; project: Project }[] | null;
  /**
   * What one subscriber has read from the database: the owner's others hear of whatever is new to them. `complete`:
   * these are all of the owner's projects that are not archived.
   */
  noteSnapshot: (ownerId: string, projects: Project[], options: { complete: boolean }) => void;
  subscriberCount: () => number;
  /** Compares with the database once. Deliveries use the id of the newest entry. */
  compareWithDatabase: () => Promise<void>;
  /** Tells subscribers when the freshness has changed with time alone. */
  checkFreshness: () => void;
}

export interface StatusHubDeps {
  listVersions(
    ownerIds: string[],
  ): Promise<{ id: string; ownerId: string; statusVersion: number; archived: boolean }[]>;
  findProjects(ids: string[]): Promise<Project[]>;
  /** What the owner of the watch last saw of the cluster, as PostgreSQL knows it; `null` when there is no owner. */
  readWatchObservation(): Promise<{ reachable: boolean | null; observedAt: string | null } | null>;
  now: () => number;
  ringSize: number;
  /** At most this many projects are read in one comparison; the rest waits for the next. */
  maxRepairs: number;
  /** After a repair the owner cannot resume for so long: until every server has compared. */
  noResumeAfterRepairMs: number;
}

interface OwnerState {
  subscribers: Set<HubSubscriber>;
  /**
   * The newest version of each project that has gone out to all subscribers of this owner. Whoever joins later reads
   * its snapshot after joining, so it misses none of these either.
   */
  versions: Map<string, number>;
  /** False until a whole snapshot was read: then `versions` says nothing about the projects that it lacks. */
  hasBaseline: boolean;
}

export function createStatusHub(deps: StatusHubDeps): StatusHub & { reader: StatusReader } {
  const owners = new Map<string, OwnerState>();
  const ring: { id: string; project: Project }[] = [];
  /** The ring holds every entry after this id; `null`: nobody may resume from it. */
  let ringStart: string | null = null;
  /** Owners of whom the stream has lost something: up to this id and this time they cannot resume from the ring. */
  const repairs = new Map<string, { id: string; untilMs: number }>();
  let lastId = '0-0';
  let heartbeat: Heartbeat | null = null;
  let comparison: Comparison | null = null;
  const freshness = () => freshnessOf({ heartbeat, comparison }, deps.now());
  let told: Freshness & { atMs: number } = { ...freshness(), atMs: 0 };

  function deliver(id: string, project: Project): void {
    const owner = owners.get(project.ownerId);
    if (!owner || (owner.versions.get(project.id) ?? 0) >= project.statusVersion) return;
    owner.versions.set(project.id, project.statusVersion);
    for (const subscriber of owner.subscribers) subscriber.onProject(id, project);
  }

  function everySubscriber(tell: (subscriber: HubSubscriber) => void): void {
    for (const owner of owners.values()) for (const subscriber of owner.subscribers) tell(subscriber);
  }

  function checkFreshness(): void {
    const next = freshness();
    if (!worthTelling(told, next, deps.now())) return;
    told = { ...next, atMs: deps.now() };
    everySubscriber((subscriber) => subscriber.onFreshness(lastId, next));
  }

  const reader: StatusReader = {
    onEntry(id: string, entry: StreamEntry) {
      lastId = id;
      if (entry.type === 'heartbeat') {
        heartbeat = { receivedAtMs: deps.now(), reachable: entry.reachable, asOf: entry.asOf };
        checkFreshness();
        return;
      }
      if (ringStart === null) ringStart = id;
      else ring.push({ id, project: entry.project });
      if (ring.length > deps.ringSize) ringStart = ring.shift()?.id ?? ringStart;
      deliver(id, entry.project);
    },
    onGap(id) {
      lastId = id;
      ring.length = 0;
      // An empty stream says nothing of what it held before it was wiped: the first entry will be the start.
      ringStart = id === '0-0' ? null : id;
      everySubscriber((subscriber) => subscriber.onGap(id));
    },
  };

  return {
    reader,
    join(ownerId, subscriber) {
      const owner = owners.get(ownerId) ?? { subscribers: new Set(), versions: new Map(), hasBaseline: false };
      owners.set(ownerId, owner);
      owner.subscribers.add(subscriber);
      return () => {
        owner.subscribers.delete(subscriber);
        if (owner.subscribers.size === 0 && owners.get(ownerId) === owner) owners.delete(ownerId);
      };
    },
    lastId: () => lastId,
    freshness,
    heartbeatAgeSeconds: () => (heartbeat ? (deps.now() - heartbeat.receivedAtMs) / 1000 : null),
    entriesAfter(ownerId, id) {
      if (!/^\d{1,15}-\d{1,15}$/.test(id)) return null; // it comes from a client
      const repair = repairs.get(ownerId);
      if (repair && (deps.now() < repair.untilMs || compareStreamIds(id, repair.id) <= 0)) return null;
      if (ringStart === null || compareStreamIds(id, ringStart) < 0 || compareStreamIds(id, lastId) > 0) return null;
      return ring.filter((entry) => entry.project.ownerId === ownerId && compareStreamIds(entry.id, id) > 0);
    },
    noteSnapshot(ownerId, projects, { complete }) {
      const owner = owners.get(ownerId);
      if (owner && complete) owner.hasBaseline = true;
      for (const project of projects) deliver(lastId, project);
    },
    subscriberCount: () => [...owners.values()].reduce((sum, owner) => sum + owner.subscribers.size, 0),
    async compareWithDatabase() {
      for (const [ownerId, repair] of repairs) {
        const forgotten = ringStart !== null && compareStreamIds(repair.id, ringStart) < 0;
        if (forgotten && deps.now() >= repair.untilMs) repairs.delete(ownerId);
      }
      // From before the rows are read: whatever was written until then is shown afterwards.
      const observation = await deps.readWatchObservation();
      const pending: { id: string; owner: OwnerState; lost: boolean }[] = [];
      const rows = owners.size === 0 ? [] : await deps.listVersions([...owners.keys()]);
      for (const row of rows) {
        const owner = owners.get(row.ownerId);
        const version = owner?.versions.get(row.id);
        if (!owner || (version ?? 0) >= row.statusVersion) continue;
        // Archived before the snapshot was read: nobody shows it.
        if (version === undefined && row.archived && owner.hasBaseline) continue;
        pending.push({ id: row.id, owner, lost: owner.hasBaseline });
      }
      const now = pending.slice(0, deps.maxRepairs);
      const projects = new Map((await deps.findProjects(now.map(({ id }) => id))).map((each) => [each.id, each]));
      for (const { id, lost } of now) {
        const project = projects.get(id);
        if (!project) continue;
        if (lost) repairs.set(project.ownerId, { id: lastId, untilMs: deps.now() + deps.noResumeAfterRepairMs });
        deliver(lastId, project);
      }
      const isComplete = now.length === pending.length;
      for (const { owner } of now) owner.hasBaseline ||= isComplete;
      if (isComplete && observation) {
        comparison = { comparedAtMs: deps.now(), reachable: observation.reachable, asOf: observation.observedAt };
      }
    },
    checkFreshness,
  };
}

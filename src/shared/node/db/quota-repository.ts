/**
 * Changes that are checked against the quota of their owner. Whatever may raise what a person uses goes through here: it locks the
 * row of that person first, so that two changes at the same time cannot exceed the quota together.
 */

import type { Transaction } from 'objection';

import { AppError } from '../../contract/errors.ts';
import type { Permit } from '../project-access.ts';
import { quotaRefusal, type CountedProject } from '../sizes/quota.ts';
import type { SizeRules } from '../sizes/size-rules.ts';
import type { Database } from './database.ts';
import { UserModel } from './models.ts';
import type { ProjectRecord } from './project-record.ts';
import { findPermittedProject, findProject, type ProjectPatch } from './projects-repository.ts';

type Counting = Pick<ProjectRecord, 'id' | 'name' | 'desiredState' | 'size' | 'podSize' | 'storage' | 'trashedAt'>;

/** What counts for the quota of a person: all projects that are not being deleted, the one that was changed longest ago first. */
export async function listCountedProjects(
  db: Database | Transaction,
  { ownerId, exceptId = null }: { ownerId: string; exceptId?: string | null },
): Promise<(CountedProject & { isInTrash: boolean })[]> {
  const rows = await db('projects')
    .where({ ownerId })
    .whereNot('desiredState', 'deleted')
    .modify((query) => {
      if (exceptId !== null) void query.whereNot('id', exceptId);
    })
    .orderBy('updatedAt')
    .select<Counting[]>('id', 'name', 'desiredState', 'size', 'podSize', 'storage', 'trashedAt');
  return rows.map(toCounted);
}

const toCounted = ({ name, desiredState, size, podSize, storage, trashedAt }: Omit<Counting, 'id'>) => ({
  name,
  isRunning: desiredState === 'running',
  size,
  podSize,
  storage,
  isInTrash: trashedAt !== null,
});

/** @throws AppError QUOTA_EXCEEDED if the project, with this patch, needs more than its owner has left */
type CheckQuota = (record: ProjectRecord, patch: ProjectPatch) => void;

/**
 * Runs a change of one project. What it uses counts for its owner, whoever makes the change. If there is a quota, it runs in a transaction in which nobody else can raise what the owner uses.
 * The change calls `check` with each patch that it is about to write.
 */
export async function withinQuota<Result>(
  db: Database,
  { id, permit, rules }: { id: string; permit: Permit | null; rules: SizeRules },
  change: (db: Database, check: CheckQuota) => Promise<Result>,
): Promise<Result> {
  if (!hasLimits(rules)) return change(db, () => undefined);
  return db.transaction(async (trx) => {
    // Rows that refer to the person can still be inserted.
    const project = permit ? await findPermittedProject(trx, { id, ...permit }) : await findProject(trx, id);
    if (!project) return change(trx, () => undefined);
    const { ownerId } = project;
    await UserModel.query(trx).findById(ownerId).forNoKeyUpdate();
    const others = await listCountedProjects(trx, { ownerId, exceptId: id });
    return change(trx, (record, patch) => {
      const [before, after] = [toCounted(record), toCounted({ ...record, ...patch })];
      const refusal = quotaRefusal({ others, before, after }, rules);
      // It names projects of the owner, which others may not know.
      refuse(refusal === null || permit === null || permit.userId === ownerId ? refusal : ownersQuotaMessage);
    });
  });
}

/**
 * Checks a project that was just inserted, in the transaction that has locked the row of its owner.
 * @throws AppError QUOTA_EXCEEDED
 */
export async function requireQuotaOfNew(trx: Transaction, record: ProjectRecord, rules: SizeRules): Promise<void> {
  if (!hasLimits(rules)) return;
  const others = await listCountedProjects(trx, { ownerId: record.ownerId, exceptId: record.id });
  refuse(quotaRefusal({ others, before: null, after: toCounted(record) }, rules));
}

const ownersQuotaMessage =
  'What this project needs counts for its owner, who has reached the limit. Ask the owner to stop another project first.';

const hasLimits = ({ limits }: SizeRules): boolean => Object.values(limits).some((limit) => limit !== null);

function refuse(message: string | null): void {
  if (message !== null) throw new AppError('QUOTA_EXCEEDED', message);
}

/**
 * No sequence of commands, expiry, crashes and restores of the database deletes a volume that nobody asked to delete. The row, the
 * decisions and the commands are those of the product. Time passes in rounds of a worker; what the database knows of the time is
 * only what the rounds have written.
 */

import fc from 'fast-check';
import { expect, it } from 'vitest';

import type { ProjectCommand } from '../../src/shared/contract/commands.ts';
import { AppError } from '../../src/shared/contract/errors.ts';
// oxlint-disable-next-line no-restricted-imports -- commands are a part of what is modelled, and must be the real ones
import { applyCommand } from '../../src/shared/node/apply-command.ts';
import type { ProjectRecord } from '../../src/shared/node/db/project-record.ts';
import { decide, type Actual } from '../../src/worker/pods/reconcile/decide.ts';
import { recordAcknowledged, recordSettled } from '../../src/worker/pods/status/attempt-patches.ts';
import { derive } from '../../src/worker/pods/status/derive.ts';
import { decideTrash } from '../../src/worker/trash/decide-trash.ts';
import { recordFixture } from '../support/project-fixture.ts';
import { claimOf, podOf, testNow } from './fixtures.ts';

const now = new Date(testNow).toISOString();
const roundSeconds = 900;
const day = 86_400;

/** What happens. `quarters`: so many rounds pass. */
type Happening =
  | { kind: 'command'; command: ProjectCommand }
  | { kind: 'rounds' | 'no-worker'; quarters: number }
  | { kind: 'reconcile' | 'backup' | 'restore-backup' | 'new-leader' }
  | { kind: 'limit'; days: number };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({
    kind: fc.constant('command' as const),
    command: fc.constantFrom<ProjectCommand>(
      'trash',
      'trash',
      'restore',
      'start',
      'stop',
      'restart',
      'retry',
      'delete',
    ),
  }),
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('rounds' as const), quarters: fc.integer({ min: 1, max: 400 }) }),
  },
  fc.record({ kind: fc.constant('no-worker' as const), quarters: fc.integer({ min: 1, max: 4_000 }) }),
  fc.record({
    kind: fc.constantFrom('reconcile', 'reconcile', 'backup', 'restore-backup', 'new-leader' as const),
  }),
  fc.record({ kind: fc.constant('limit' as const), days: fc.constantFrom(0, 1, 2, 7) }),
);

interface End {
  /** Set when the volume is gone: who asked for it, and for how long nobody had touched the project in the trash. */
  deletedBy: 'person' | 'expiry' | null;
  untouchedSeconds: number;
  /** The shortest time that an administrator set since then. */
  shortestDays: number;
}

function play(happenings: Happening[]): End {
  let row: ProjectRecord = recordFixture({ status: 'ready', observedGeneration: 1 });
  let actual: Actual = { pod: podOf(), claim: claimOf() };
  let backup = row;
  let [seconds, touchedAt, limitDays, shortestDays] = [0, 0, 7, 7];
  let isFirstRound = true;
  let deletedBy: End['deletedBy'] = null;

  const touch = (): void => void ([touchedAt, shortestDays] = [seconds, limitDays === 0 ? 7 : limitDays]);
  const command = (name: ProjectCommand): boolean => {
    try {
      const patch = applyCommand(name, row, now);
      row = { ...row, ...patch };
      return patch !== null;
    } catch (error) {
      if (error instanceof AppError) return false;
      throw error;
    }
  };
  const round = (step: number): void => {
    if (row.trashedAt === null || row.desiredState !== 'stopped') return;
    row = { ...row, trashSeconds: row.trashSeconds + step };
    const decision = decideTrash({ trashSeconds: row.trashSeconds, shownDays: row.trashDaysLeft, limitDays });
    if (decision.isExpired) {
      command('delete');
      deletedBy = 'expiry';
    } else row = { ...row, trashSeconds: decision.trashSeconds, trashDaysLeft: decision.daysLeft };
  };
  const reconcile = (): void => {
    for (let step = 0; step < 10; step += 1) {
      const effect = decide(row, actual, testNow);
      if (effect.kind === 'settled') {
        const patch = recordSettled(row, { generation: row.generation, actual, now });
        row = { ...row, ...patch };
        row = { ...row, ...derive(row, actual, now).patch };
        return;
      }
      if (effect.kind === 'create-claim') actual = { ...actual, claim: claimOf() };
      else if (effect.kind === 'create-pod') actual = { ...actual, pod: podOf({ generation: row.generation }) };
      else if (effect.kind === 'delete-pod') actual = { ...actual, pod: null };
      else if (effect.kind === 'delete-claim') actual = { ...actual, claim: null };
      else {
        row = { ...row, ...recordAcknowledged(row, { generation: row.generation, now }) };
        return;
      }
    }
  };

  for (const each of happenings) {
    switch (each.kind) {
      case 'command':
        if (command(each.command)) {
          touch();
          if (each.command === 'delete') deletedBy = 'person';
        }
        break;
      case 'rounds':
        for (let index = 0; index < each.quarters; index += 1) {
          seconds += roundSeconds;
          round(isFirstRound ? 0 : roundSeconds);
          isFirstRound = false;
        }
        break;
      case 'no-worker':
        seconds += each.quarters * roundSeconds;
        isFirstRound = true;
        break;
      case 'new-leader':
        isFirstRound = true;
        break;
      case 'reconcile':
        reconcile();
        break;
      case 'backup':
        backup = row;
        break;
      case 'restore-backup': {
        // As `restored-data.ts` raises it. What was in the trash may have been used since.
        const generation = Math.max(row.generation, backup.generation) + 1_000_000;
        const isPending = backup.observedGeneration !== backup.generation;
        row = { ...backup, generation, observedGeneration: isPending ? 0 : generation, trashSeconds: 0 };
        touch();
        break;
      }
      case 'limit':
        limitDays = each.days;
        // Without a limit nothing expires.
        if (limitDays > 0) shortestDays = Math.min(shortestDays, limitDays);
        break;
    }
    if (deletedBy !== null) {
      const end = { deletedBy, untouchedSeconds: seconds - touchedAt, shortestDays };
      reconcile();
      expect(actual.claim).toBeNull();
      return end;
    }
    expect(actual.claim).not.toBeNull();
  }
  return { deletedBy: null, untouchedSeconds: seconds - touchedAt, shortestDays };
}

it('a volume is deleted only by a person, or after the whole time in the trash without anybody touching the project', () => {
  let expiries = 0;
  fc.assert(
    fc.property(fc.array(happening, { minLength: 2, maxLength: 30 }), (happenings) => {
      const { deletedBy, untouchedSeconds, shortestDays } = play(happenings);
      if (deletedBy !== 'expiry') return;
      expiries += 1;
      // The last day is a whole day also after the limit was shortened.
      expect(untouchedSeconds).toBeGreaterThanOrEqual(shortestDays * day);
    }),
    { numRuns: 2_000 },
  );
  expect(expiries).toBeGreaterThan(100);
});

it('a project that stays in the trash is deleted', () => {
  const trash = [{ kind: 'command', command: 'trash' } as const, { kind: 'reconcile' } as const];
  const rest = (quarters: number) => play([...trash, { kind: 'rounds', quarters }]).deletedBy;
  expect(rest(7 * 96 - 1)).toBeNull();
  expect(rest(7 * 96 + 4)).toBe('expiry');
});

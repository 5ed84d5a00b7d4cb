/**
 * Notices that the rows were restored from a backup. All their numbers have then fallen back: pods were created for later
 * generations, and open pages show later versions. So every number is raised past all that the lost rows can have had. Pods
 * that run stay: a number that says which pod counts is raised only with a command that is pending.
 */

import type { Log } from '../log.ts';
import type { Database } from './database.ts';

export interface RestoredData {
  /**
   * Raises the numbers if the rows are in another database than before. Returns how often that happened.
   * Call it before rows are trusted after a start, regularly, and before people change rows.
   */
  check(): Promise<number>;
  /** Raises the numbers, because something else has proven that they fell back. No effect if another process was faster. */
  assume(proof: string): Promise<void>;
}

/** More commands than a project can have between two restores. A thousand restores fit into an integer. */
export const raisedGenerations = 1_000_000;
/** More changes than a project can have. Millions of restores fit into the integers of JavaScript. */
export const raisedVersions = 1_000_000_000;
/** One statement changes so many rows, so that it ends within its time limit. */
const pageSize = 1_000;

interface DataState {
  restores: number;
  /** Where the rows were last used; `null` before the first check. */
  stored: string | null;
  current: string;
}

export function createRestoredData({ db, log }: { db: Database; log: Log }): RestoredData {
  /** Some providers do not let ordinary roles read the identity of the server. */
  let mayReadServer = true;
  let known: number | null = null;

  async function readState(): Promise<DataState> {
    if (mayReadServer) {
      try {
        return await read(db, ofServer);
      } catch (error) {
        if ((error as { code?: unknown }).code !== insufficientPrivilege) throw error;
        mayReadServer = false;
      }
    }
    return read(db, ofDatabase);
  }

  async function raise({ restores, current }: DataState, proof: string): Promise<number> {
    const isRaised = await db.transaction(async (trx) => {
      const raised = { restores: restores + 1, data_id: current };
      if ((await trx('installation').where({ restores }).update(raised)) === 0) return false;
      // A watch leader from before must not write.
      await trx('leases').update({ epoch: trx.raw('epoch + ?', [raisedGenerations]) });
      await raiseProjects(trx);
      await raiseTasks(trx);
      await raiseRuns(trx);
      return true;
    });
    if (isRaised)
      log.warn({ proof }, 'the database was restored from a backup: its generations and versions were raised');
    return restores + 1;
  }

  return {
    async check() {
      const state = await readState();
      const { stored, current } = state;
      if (stored === null) await db('installation').whereNull('data_id').update({ data_id: current });
      known =
        stored === null || stored === current ? state.restores : await raise(state, `from ${stored} to ${current}`);
      return known;
    },
    async assume(proof) {
      const state = await readState();
      // The proof is older than the restore that was already noticed.
      if (known !== null && state.restores !== known) return;
      known = await raise(state, proof);
    },
  };
}

const insufficientPrivilege = '42501';

/** Differs after a restore into another database, and after the tables were dropped and restored. */
const ofDatabase = `concat_ws('/', (select oid from pg_database where datname = current_database()), 'projects'::regclass::oid)`;
/** Also differs in another server, and on another timeline: after a recovery to a point in time, or after a failover. */
const ofServer = `concat_ws('/', ${ofDatabase}, (select system_identifier from pg_control_system()), (select timeline_id from pg_control_checkpoint()))`;

async function read(db: Database, current: string): Promise<DataState> {
  const { rows } = await db.raw<{ rows: DataState[] }>(
    `select restores, data_id as stored, ${current} as current from installation`,
  );
  if (!rows[0]) throw new Error('The table "installation" is empty. Restore it from a backup of this database.');
  return rows[0];
}

async function raiseProjects(trx: Database): Promise<void> {
  for await (const page of pagesOf(trx, 'projects')) {
    await trx.raw(
      `update projects set
         status_version = status_version + :versions,
         generation = generation + :generations,
         observed_generation = observed_generation + :generations,
         failed_generation = failed_generation + :generations,
         pod_generation =
           case when pod_generation > observed_generation then pod_generation + :generations else pod_generation end,
         attempt = attempt + :generations,
         unfinished_attempts = 0,
         -- They may have been used since the backup, so their time in the trash begins again.
         trash_seconds = 0
       where seq > :from and seq <= :to`,
      { versions: raisedVersions, generations: raisedGenerations, ...page },
    );
  }
}

/** A follower of a run from before must not write either. */
async function raiseRuns(trx: Database): Promise<void> {
  for await (const page of pagesOf(trx, 'runs')) {
    await trx.raw(
      `update runs set version = version + :versions, attempt = attempt + :generations, unfinished_attempts = 0
       where seq > :from and seq <= :to`,
      { versions: raisedVersions, generations: raisedGenerations, ...page },
    );
  }
}

async function* pagesOf(trx: Database, table: 'projects' | 'runs'): AsyncGenerator<{ from: number; to: number }> {
  const [{ last } = { last: null }] = await trx(table).max<{ last: string | null }[]>('seq as last');
  for (let from = 0; from < Number(last ?? 0); from += pageSize) yield { from, to: from + pageSize };
}

async function raiseTasks(trx: Database): Promise<void> {
  for (let after: string | null = '00000000-0000-0000-0000-000000000000'; after !== null;) {
    const { rows }: { rows: { last: string | null }[] } = await trx.raw(
      `with page as (select id from tasks where id > :after order by id limit :pageSize),
            raised as (update tasks set version = version + :versions where id in (select id from page))
       select max(id::text) as last from page`,
      { after, pageSize, versions: raisedVersions },
    );
    after = rows[0]?.last ?? null;
  }
}

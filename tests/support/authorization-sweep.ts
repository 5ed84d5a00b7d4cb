/**
 * Calls every procedure of a router with requests that it must refuse, over each transport, and reports which were not
 * refused. The list and the inputs come from the router, so that new procedures are included.
 */

import { randomUUID } from 'node:crypto';

import type { Database } from '../../src/shared/node/db/database.ts';
import { readRowsButAudit } from './all-rows.ts';
import { askAlone, askInBatches, askOnSocket, type Answer, type Question } from './ask-procedure.ts';
import { idFieldsOf, inputWith } from './made-up-input.ts';
import type { Procedure } from './procedures.ts';
import { openSocket, type RawSocket } from './raw-socket.ts';

export interface SweepTarget {
  url: string;
  db: Database;
  procedures: Procedure[];
}

export interface Actor {
  name: string;
  /** Sent with each HTTP call. */
  headers: Record<string, string>;
  /** How the actor opens a socket. */
  socket: { cookie?: string; token?: string };
}

/** Another person, and everything that identifies their objects. */
export interface Victim {
  /** The ids of all their objects. */
  ids: string[];
  /** Idempotency keys, cursors and the like. */
  texts: string[];
  /** Texts that no answer to another person may contain. */
  marks: string[];
  /** Changes one of their objects. Resolves when they have received the change. */
  change(): Promise<void>;
}

export interface SweepReport {
  /** Each call that was not refused correctly. It should be empty. */
  findings: string[];
  /** The answers of each procedure, as status and code. */
  answers: Map<string, Set<string>>;
  /** The close code of the socket. */
  closed: Promise<number>;
}

/** The values for the id fields of an input, by path. */
type Ids = Record<string, string>;

/** A subscription over HTTP and a call on a socket are unsupported, which may be the answer before any other check. */
const wrongWay = (type: Procedure['type'], { how }: Answer) => (type === 'subscription') !== (how === 'on the socket');

/** Calls with an unknown or ended credential: every answer must be 401, and nothing may change. */
export async function sweepUnknown(target: SweepTarget, actor: Actor, victim: Victim): Promise<SweepReport> {
  const socket = await openSocket(target.url, actor.socket);
  const report = createReport(actor, { victim, socket });
  const before = await readRowsButAudit(target.db);
  // With and without an id: the answer must not depend on it.
  const all = target.procedures.flatMap((procedure) =>
    attempts(procedure, victim)
      .slice(0, 2)
      .map((ids) => attemptOf(procedure, ids)),
  );
  const answers = await ask({ target, actor, socket, report }, all);
  for (const [index, { procedure }] of all.entries()) {
    for (const answer of answers[index] ?? []) {
      const isRefused = answer.appCode === 'UNAUTHENTICATED' && answer.status === 401;
      const isElsewhere = wrongWay(procedure.type, answer) && answer.appCode === 'UNSUPPORTED';
      if (!isRefused && !isElsewhere) report.find(procedure, answer);
      if (!isElsewhere) report.note(procedure, answer);
    }
  }
  report.compare({ name: 'one of the procedures' }, before, await readRowsButAudit(target.db));
  report.listen();
  return report;
}

/**
 * Calls as another signed-in person, with everything that identifies the objects of the victim. An object of the victim must
 * look like one that does not exist, must not appear in a list or event, and must not change.
 *
 * @param stranger.actor signs in again for each procedure, because a procedure may end the session
 * @param stranger.mayBeForbidden whether this kind of credential may be refused regardless of the input
 */
export async function sweepStranger(
  target: SweepTarget,
  stranger: { userId: string; actor: () => Promise<Actor>; mayBeForbidden: boolean },
  victim: Victim,
): Promise<Omit<SweepReport, 'closed'>> {
  const findings: string[] = [];
  const answers: SweepReport['answers'] = new Map();
  // The stranger's rows may change, unless they contain an id of the victim. An idempotency key is a free text of the caller
  // and identifies nothing.
  const isOwn = (row: string) =>
    row.includes(stranger.userId) &&
    !victim.ids.some((id) => row.replace(/"idempotency_key": "[^"]*"/, '').includes(id));
  const others = async () => (await readRowsButAudit(target.db)).filter((row) => !isOwn(row));

  for (const procedure of target.procedures) {
    // To whoever is no administrator, the answer is the same whatever the input names.
    const isForbidden = stranger.mayBeForbidden || procedure.name.startsWith('admin.');
    const refusals = isForbidden ? ['NOT_FOUND', 'FORBIDDEN'] : ['NOT_FOUND'];
    const before = await others();
    const actor = await stranger.actor();
    const socket = await openSocket(target.url, actor.socket);
    const report = createReport(actor, { victim, socket });
    const asked = (all: Ids[]) =>
      ask(
        { target, actor, socket, report },
        all.map((ids) => attemptOf(procedure, ids)),
      );
    const tried = attempts(procedure, victim);
    const isNamed = (ids: Ids) => namedPaths(procedure).some((path) => ids[path] !== undefined);
    const theirs = await asked(tried);
    const nobodys = await asked(tried.filter(isNamed).map((ids) => withoutOwner(procedure, ids)));
    for (const [index, ids] of tried.entries()) {
      const same = isNamed(ids) ? (nobodys.shift() ?? []) : null;
      for (const [way, answer] of (theirs[index] ?? []).entries()) {
        const isElsewhere = wrongWay(procedure.type, answer);
        const isAsNone = refusals.includes(answer.appCode) && answer.text === same?.[way]?.text;
        const isNowhere = ['UNSUPPORTED', 'UNAUTHENTICATED'].includes(answer.appCode);
        const isSafe = isElsewhere ? isNowhere : same ? isAsNone : answer.status < 500;
        if (!isSafe || victim.marks.some((mark) => answer.text.includes(mark))) report.find(procedure, answer);
        if (!isElsewhere && same) report.note(procedure, answer);
      }
    }
    report.compare(procedure, before, await others());
    if (procedure.type === 'subscription') {
      await victim.change();
      // All earlier messages have arrived before this answer.
      await askOnSocket(socket, -1, { procedure: { ...procedure, name: 'none' }, input: () => undefined });
    }
    report.listen();
    socket.close();
    findings.push(...report.findings);
    for (const [name, said] of report.answers) answers.set(name, said);
  }
  return { findings, answers };
}

interface Attempt extends Question {
  ids: Ids;
}

const attemptOf = (procedure: Procedure, ids: Ids): Attempt => ({
  procedure,
  ids,
  input: () => inputWith(procedure, ids),
});

/**
 * Makes every attempt in a batch, and on the socket when that is its way. The other ways are tried once for each set of fields: there
 * the answer does not depend on the values.
 */
async function ask(
  by: { target: SweepTarget; actor: Actor; socket: RawSocket; report: { nextCall(procedure: Procedure): number } },
  all: Attempt[],
): Promise<Answer[][]> {
  const caller = { url: by.target.url, headers: by.actor.headers };
  const answers = new Map<Attempt, Answer[]>();
  const known = new Set<string>();
  for (const attempt of all) {
    const { procedure, ids } = attempt;
    const fields = [procedure.name, ...Object.keys(ids)].join(' ');
    const isNew = !known.has(fields);
    known.add(fields);
    const given: Answer[] = [];
    if (isNew) given.push(await askAlone(caller, attempt));
    if (isNew || procedure.type === 'subscription') {
      given.push(await askOnSocket(by.socket, by.report.nextCall(procedure), attempt));
    }
    answers.set(attempt, given);
  }
  for (const type of ['query', 'mutation']) {
    const together = all.filter(({ procedure }) => procedure.type === type);
    for (const [index, answer] of (await askInBatches(caller, together)).entries()) {
      const attempt = together[index];
      if (attempt) answers.get(attempt)?.push(answer);
    }
  }
  return [...answers.values()];
}

const namedPaths = (procedure: Procedure) =>
  idFieldsOf(procedure).flatMap(({ path, isUuid }) => (isUuid ? [path] : []));

/** The input without ids, and one input for each way of using an id of the victim. */
function attempts(procedure: Procedure, victim: Victim): Ids[] {
  const named = namedPaths(procedure);
  const texts = idFieldsOf(procedure).flatMap(({ path, isUuid }) => (isUuid ? [] : [path]));
  const together = victim.ids.map((id) => Object.fromEntries(named.map((path) => [path, id])));
  const apart = named.flatMap((path) => victim.ids.map((id) => ({ [path]: id })));
  const borrowed = texts.flatMap((path) => [...victim.texts, ...victim.ids].map((text) => ({ [path]: text })));
  const ways: Ids[] = [{}, ...(named.length > 1 ? together : []), ...apart, ...borrowed];
  return ways.filter((ids) => inputWith(procedure, ids) !== null);
}

/** The same call with ids that do not exist. */
function withoutOwner(procedure: Procedure, ids: Ids): Ids {
  const named = new Set(namedPaths(procedure));
  return Object.fromEntries(Object.entries(ids).map(([path, id]) => [path, named.has(path) ? randomUUID() : id]));
}

function createReport(actor: Actor, { victim, socket }: { victim: Victim; socket: RawSocket }) {
  const findings = new Set<string>();
  const answers = new Map<string, Set<string>>();
  const calls: string[] = [];
  const add = (name: string, what: string) => findings.add(`${name}, asked as ${actor.name}: ${what}`);
  return {
    get findings() {
      return [...findings];
    },
    answers,
    closed: socket.closed,
    /** The id of a call on the socket. */
    nextCall: ({ name }: Procedure) => calls.push(name),
    note({ name }: Procedure, { status, appCode }: Answer): void {
      answers.set(name, (answers.get(name) ?? new Set()).add(`${status} ${appCode}`));
    },
    find({ name }: Procedure, { how, status, appCode }: Answer): void {
      add(name, `${how} it answers ${status} ${appCode}`);
    },
    compare({ name }: { name: string }, before: string[], after: string[]): void {
      if (JSON.stringify(before) !== JSON.stringify(after)) add(name, 'rows have changed');
    },
    listen(): void {
      for (const message of socket.messages) {
        const heard = JSON.stringify(message);
        const name = calls[(message.id ?? 0) - 1] ?? 'no procedure';
        if (victim.marks.some((mark) => heard.includes(mark))) add(name, 'an event tells of another');
      }
    },
  };
}

/**
 * Asks every procedure of a router what it must refuse, over each transport, and says what was not refused. It knows no
 * procedure by name: the list and the inputs come from the router, so that a new one is asked as well.
 */

import { randomUUID } from 'node:crypto';

import type { Database } from '../../src/shared/node/db/database.ts';
import { readAllRows } from './all-rows.ts';
import { askOnSocket, askOverHttp, type Answer, type Question } from './ask-procedure.ts';
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
  /** How it comes to a socket. */
  socket: { cookie?: string; token?: string };
}

/** Somebody else, and all by which they could be found. */
export interface Victim {
  /** Of everything that they have. */
  ids: string[];
  /** Request ids, cursors and the like. */
  texts: string[];
  /** What no answer to another may hold. */
  marks: string[];
  /** Changes something of theirs; resolves when they have heard of it. */
  change(): Promise<void>;
}

export interface SweepReport {
  /** What was not refused as it must be, and by which procedure; empty is good. */
  findings: string[];
  /** What each procedure answered, as status and code. */
  answers: Map<string, Set<string>>;
  /** The code with which the socket is closed in the end. */
  closed: Promise<number>;
}

/** By path: what is put into the id fields of an input. */
type Ids = Record<string, string>;

/** A subscription is nothing for HTTP, a call nothing for a socket, whoever asks: that may be said before the other. */
const wrongWay = (type: Procedure['type'], { how }: Answer) => (type === 'subscription') !== (how === 'on the socket');

/** Asks as somebody whom nobody knows (any more): everything is 401, and nothing changes. */
export async function sweepUnknown(target: SweepTarget, actor: Actor, victim: Victim): Promise<SweepReport> {
  const socket = await openSocket(target.url, actor.socket);
  const report = createReport(actor, { victim, socket });
  let before = await readAllRows(target.db);
  for (const procedure of target.procedures) {
    // Naming nothing, and naming one thing: what is asked for must not matter, for it is not even looked at.
    for (const ids of attempts(procedure, victim).slice(0, 2)) {
      for (const answer of await ask({ target, actor, socket }, procedure, ids, report.nextCall(procedure))) {
        const isRefused = answer.appCode === 'UNAUTHENTICATED' && answer.status === 401;
        const isElsewhere = wrongWay(procedure.type, answer) && answer.appCode === 'UNSUPPORTED';
        if (!isRefused && !isElsewhere) report.find(procedure, answer);
        if (!isElsewhere) report.note(procedure, answer);
      }
    }
    before = report.compare(procedure, before, await readAllRows(target.db));
  }
  report.listen();
  return report;
}

/**
 * Asks as somebody who is signed in, with everything by which another's things could be found: a thing that is named is
 * as one that does not exist, nothing of theirs is in a list or an event, and nothing of theirs changes.
 * @param stranger.actor signs them in anew for each procedure, for one of them may end the session
 * @param stranger.mayBeForbidden whether a kind of credential may be refused as such, whatever is named
 */
export async function sweepStranger(
  target: SweepTarget,
  stranger: { userId: string; actor: () => Promise<Actor>; mayBeForbidden: boolean },
  victim: Victim,
): Promise<Omit<SweepReport, 'closed'>> {
  const findings: string[] = [];
  const answers: SweepReport['answers'] = new Map();
  // The stranger's own rows may come and go, unless something of the other is named in them. A request id is a text of the
  // caller's choosing, and names nothing.
  const isOwn = (row: string) =>
    row.includes(stranger.userId) &&
    !victim.ids.some((id) => row.replace(/"idempotency_key": "[^"]*"/, '').includes(id));
  const others = async () => (await readAllRows(target.db)).filter((row) => !isOwn(row));
  const refusals = stranger.mayBeForbidden ? ['NOT_FOUND', 'FORBIDDEN'] : ['NOT_FOUND'];

  for (const procedure of target.procedures) {
    const before = await others();
    const actor = await stranger.actor();
    const socket = await openSocket(target.url, actor.socket);
    const report = createReport(actor, { victim, socket });
    const asked = (ids: Ids) => ask({ target, actor, socket }, procedure, ids, report.nextCall(procedure));
    for (const ids of attempts(procedure, victim)) {
      const isNamed = namedPaths(procedure).some((path) => ids[path] !== undefined);
      const theirs = await asked(ids);
      const nobodys = isNamed ? await asked(withoutOwner(procedure, ids)) : theirs;
      for (const [index, answer] of theirs.entries()) {
        const isElsewhere = wrongWay(procedure.type, answer);
        const isAsNone = refusals.includes(answer.appCode) && answer.text === nobodys[index]?.text;
        const isNowhere = ['UNSUPPORTED', 'UNAUTHENTICATED'].includes(answer.appCode);
        const isSafe = isElsewhere ? isNowhere : isNamed ? isAsNone : answer.status < 500;
        if (!isSafe || victim.marks.some((mark) => answer.text.includes(mark))) report.find(procedure, answer);
        if (!isElsewhere && isNamed) report.note(procedure, answer);
      }
    }
    report.compare(procedure, before, await others());
    if (procedure.type === 'subscription') {
      await victim.change();
      // What was sent before the answer to this question has arrived before it.
      await askOnSocket(socket, -1, { procedure: { ...procedure, name: 'none' }, input: () => undefined });
    }
    report.listen();
    socket.close();
    findings.push(...report.findings);
    for (const [name, said] of report.answers) answers.set(name, said);
  }
  return { findings, answers };
}

async function ask(
  { target, actor, socket }: { target: SweepTarget; actor: Actor; socket: RawSocket },
  procedure: Procedure,
  ids: Ids,
  call: number,
): Promise<Answer[]> {
  const question: Question = { procedure, input: () => inputWith(procedure, ids) };
  const overHttp = await askOverHttp({ url: target.url, headers: actor.headers }, question);
  return [...overHttp, await askOnSocket(socket, call, question)];
}

const namedPaths = (procedure: Procedure) =>
  idFieldsOf(procedure).flatMap(({ path, isUuid }) => (isUuid ? [path] : []));

/** Each way of naming something of the other's in the input of this procedure, and the input that names nothing. */
function attempts(procedure: Procedure, victim: Victim): Ids[] {
  const named = namedPaths(procedure);
  const texts = idFieldsOf(procedure).flatMap(({ path, isUuid }) => (isUuid ? [] : [path]));
  const together = victim.ids.map((id) => Object.fromEntries(named.map((path) => [path, id])));
  const apart = named.flatMap((path) => victim.ids.map((id) => ({ [path]: id })));
  const borrowed = texts.flatMap((path) => [...victim.texts, ...victim.ids].map((text) => ({ [path]: text })));
  const ways: Ids[] = [{}, ...(named.length > 1 ? together : []), ...apart, ...borrowed];
  return ways.filter((ids) => inputWith(procedure, ids) !== null);
}

/** The same question about things that nobody has. */
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
    /** A number for a call on the socket, by which its events are known. */
    nextCall: ({ name }: Procedure) => calls.push(name),
    note({ name }: Procedure, { status, appCode }: Answer): void {
      answers.set(name, (answers.get(name) ?? new Set()).add(`${status} ${appCode}`));
    },
    find({ name }: Procedure, { how, status, appCode }: Answer): void {
      add(name, `${how} it answers ${status} ${appCode}`);
    },
    compare({ name }: Procedure, before: string[], after: string[]): string[] {
      if (JSON.stringify(before) !== JSON.stringify(after)) add(name, 'rows have changed');
      return after;
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

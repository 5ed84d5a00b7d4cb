/** One chaos run: starts the system, carries out the plan, repairs every fault, and checks the invariants. */

import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';

import { createAgents, type Agents } from './agents.ts';
import { observeCluster, type ClusterObserver } from './cluster-observer.ts';
import { createCommands, type Commands } from './commands.ts';
import { awaitConvergence, divergencesOf, readPresent, type Present } from './convergence.ts';
import { createFaults, type Faults } from './faults.ts';
import { awaitViews, checkLeftovers, checkRows } from './invariants.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { describeCommands, describeFaults, describeProjects, describeViolation, saveOutputs } from './report.ts';
import { checkHoldings, checkOutputs, measure, type Holdings } from './resources.ts';
import { checkRuns, createRunActions } from './runs.ts';
import { planOf, userCount, type Plan } from './schedule.ts';
import { createSender, type Sender } from './sender.ts';
import { createTaskViewers, type TaskViewers } from './task-viewers.ts';
import { openViewer, type Viewer } from './viewers.ts';
import { createViolations, type Violations } from './violations.ts';
import { startWorld, type World } from './world.ts';

const convergenceLimitMs = 60_000;
/** Convergence may take longer than this, but then the output of the processes is kept. */
const slowMs = 15_000;

interface Run {
  plan: Plan;
  seconds: number;
  world: World;
  observer: ClusterObserver;
  ledger: Ledger;
  violations: Violations;
  viewers: Viewer[];
  commands: Commands;
  sender: Sender;
  taskViewers: TaskViewers;
  agents: Agents;
  faults: Faults;
  /** Since the first planned command. */
  nowMs(): number;
  startClock(): void;
  /** Ends commands and faults that are still under way. */
  endPlan(): void;
  read(): Promise<Present>;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
  log(line: string): void;
}

const print = (text: string) => void process.stdout.write(`${text}\n`);

/** Resolves to whether every invariant held. An abort ends the run early, and everything that it has started. */
export async function runChaos(options: {
  seed: number;
  seconds: number;
  /** The command that repeats this run. */
  repeat: string;
  signal: AbortSignal;
}): Promise<boolean> {
  const { seed, seconds, repeat, signal } = options;
  const beganAt = performance.now();
  let origin = beganAt;
  const nowMs = () => performance.now() - origin;
  const startClock = () => {
    origin = performance.now();
  };
  const log = (line: string) => print(`${(nowMs() / 1_000).toFixed(1).padStart(6)} s  ${line}`);
  const violations = createViolations({
    nowMs,
    onFound: (violation) => print(`VIOLATION ${describeViolation(violation)}`),
  });
  const ledger = createLedger({ violations, nowMs });
  print(`chaos with seed ${seed} for ${seconds} s. To repeat it: ${repeat}`);
  const world = await startWorld({ violations, log });
  const over = new AbortController();
  const viewers = openViewers(world, violations);
  const onError = (error: unknown) =>
    violations.report('I7', null, `chaos itself failed at an agent: ${String(error)}`);
  const agents = createAgents({ onError });
  const taskViewers = createTaskViewers({ violations });
  const observer = observeCluster({
    kubeconfigPath: world.cluster.kubeconfigPath,
    api: world.cluster.api,
    violations,
    nowMs,
    isDeletionRequested: ledger.wasDeletionRequested,
    onPod: agents.onPod,
  });
  try {
    const live = AbortSignal.any([signal, over.signal]);
    const sender = createSender({ violations, signal: live });
    const faults = createFaults({ world, observer, violations, ledger, sender, over: live, log });
    const runs = createRunActions({ ledger, sender, violations, taskViewers });
    const run: Run = {
      plan: planOf({ seed, seconds }),
      seconds,
      world,
      observer,
      ledger,
      violations,
      viewers,
      commands: createCommands({ ledger, viewers, violations, sender, runs }),
      sender,
      taskViewers,
      agents,
      faults,
      nowMs,
      startClock,
      endPlan: () => over.abort(),
      read: () => readPresent(world),
      signal,
      log,
    };
    const before = await warmUp(run, beganAt);
    await carryOutPlan(run);
    const tookMs = await checkInvariants(run, before);
    await printSummary(run, { seed, repeat, tookMs, totalMs: performance.now() - beganAt });
    return violations.found.length === 0;
  } catch (error) {
    if (!signal.aborted) {
      print(`chaos with seed ${seed} failed: ${error instanceof Error ? error.stack : String(error)}`);
      print(`The output of all processes is in ${saveOutputs(world, seed)}. To repeat the run: ${repeat}`);
    }
    return false;
  } finally {
    over.abort();
    taskViewers.close();
    await Promise.allSettled([...viewers.map((viewer) => viewer.close()), observer.stop()]);
    await world.stop();
    await agents.stop();
  }
}

/** One client of each user at each server. */
function openViewers(world: World, violations: Violations): Viewer[] {
  return Array.from({ length: userCount }, (_, user) =>
    world.proxies.map((proxy, server) => {
      const url = `http://127.0.0.1:${proxy.port}`;
      return openViewer({ user, server, url, token: world.tokens[user] ?? '', violations });
    }),
  ).flat();
}

/** Each user gets a project that runs, so that the measurement is one of a system in use. */
async function warmUp(run: Run, beganAt: number): Promise<Holdings> {
  const { commands, observer, read, viewers, world } = run;
  const users = Array.from({ length: userCount }, (_, user) => user);
  await Promise.all(users.map((user) => commands.run({ atMs: 0, kind: 'create', user, server: 0, pick: 0 })));
  const warm = await awaitConvergence({ read, hadClaim: observer.hadClaim, limitMs: 30_000 });
  if (warm.divergences.size > 0) throw new Error(`The system did not converge before the first fault: ${warm.slowest}`);
  const before = await measure(world);
  const seconds = ((performance.now() - beganAt) / 1_000).toFixed(1);
  print(
    `ready after ${seconds} s: ${world.cluster.description}, PostgreSQL, Redis, 2 servers, 2 workers, ` +
      `${viewers.length} clients of ${userCount} users`,
  );
  run.startClock();
  return before;
}

/** Starts each command and fault at its time. Then ends all faults and waits until everything runs again. */
async function carryOutPlan(run: Run): Promise<void> {
  const { plan, seconds, world, commands, faults, violations, nowMs, signal, log } = run;
  const underWay = new Set<Promise<void>>();
  const track = (work: Promise<void>, what: string) => {
    const tracked: Promise<void> = work
      .catch((error: unknown) => {
        if (!signal.aborted) violations.report('I7', null, `chaos itself failed at "${what}": ${String(error)}`);
      })
      .finally(() => underWay.delete(tracked));
    underWay.add(tracked);
  };
  const steps = [
    ...plan.commands.map((command) => ({
      atMs: command.atMs,
      start: () => track(commands.run(command), command.kind),
    })),
    ...plan.faults.map((fault) => ({
      atMs: fault.atMs,
      start: () => track(faults.inject(fault), fault.kind),
    })),
  ].toSorted((a, b) => a.atMs - b.atMs);
  for (const { atMs, start } of steps) {
    await delay(Math.max(0, atMs - nowMs()), undefined, { signal });
    start();
  }
  await delay(Math.max(0, seconds * 1_000 - nowMs()), undefined, { signal });
  run.endPlan();
  log('the last fault has ended; repairing');
  await Promise.all(underWay);
  await world.heal();
  log('everything is repaired');
  signal.throwIfAborted();
}

/** Checks what can only be checked at the end. Returns how long the convergence took. */
async function checkInvariants(run: Run, before: Holdings): Promise<number> {
  const { world, observer, ledger, violations, viewers, read, signal, log } = run;
  // A restore may have brought a project back whose volume was deleted.
  const hadClaim = (id: string) => observer.hadClaim(id) && !ledger.wasDeletionRequested(id);
  const converged = await awaitConvergence({ read, hadClaim, limitMs: convergenceLimitMs });
  for (const [id, text] of converged.divergences) {
    violations.report('I3', id, `${convergenceLimitMs / 1_000} s after the last fault it ${text}`);
  }
  log(`${converged.projects} projects converged after ${(converged.tookMs / 1_000).toFixed(1)} s`);
  if (converged.slowest !== null) print(`          the slowest: ${converged.slowest}`);
  signal.throwIfAborted();

  const owners = await world.db<{ id: string; name: string }>('users').select('id', 'name');
  const users = new Map(owners.map(({ id, name }) => [id, Number(name.split(' ')[1])]));
  const viewsMs = await awaitViews(viewers, { read, userOf: (id) => users.get(id) ?? -1, violations });
  log(`every client shows what the database says after ${(viewsMs / 1_000).toFixed(1)} s`);
  await checkAgentRuns(run);
  run.taskViewers.close();
  await Promise.all(viewers.map((viewer) => viewer.close()));
  signal.throwIfAborted();
  await checkHoldings(world, before, violations);
  checkOutputs(world, violations);

  const present = await read();
  checkRows(present.records, ledger, violations);
  checkLeftovers(present, { ledger, violations });
  if (converged.divergences.size === 0) {
    for (const [id, text] of divergencesOf(present, hadClaim)) {
      violations.report('I3', id, `it diverged again: ${text}`);
    }
  }
  return converged.tookMs;
}

/** I8, and I4 for tasks. */
async function checkAgentRuns(run: Run): Promise<void> {
  const { world, viewers, ledger, sender, agents, taskViewers, violations, log } = run;
  const { db } = world;
  const { states, tookMs, openRuns } = await checkRuns({
    db,
    redisUrl: world.redis.url,
    workers: world.workers,
    sender,
    agents,
    violations,
    limitMs: convergenceLimitMs,
    clientOf: (id) => viewers.find(({ user }) => user === ledger.find(id)?.user)?.client ?? null,
  });
  const counts = [...states].map(([state, count]) => `${count} ${state}`).join(', ');
  for (const line of openRuns) print(`          ${line}`);
  log(`agent runs ended after ${(tookMs / 1_000).toFixed(1)} s (${counts})`);
  await taskViewers.check(async (projectId) => {
    if (ledger.isLost(projectId)) return null;
    const rows = await db<{ id: string; version: string; projectId: string }>('tasks')
      .select('id', 'version')
      .where({ projectId });
    return new Map(rows.map(({ id, version }) => [id, Number(version)]));
  });
}

async function printSummary(
  run: Run,
  { seed, repeat, tookMs, totalMs }: { seed: number; repeat: string; tookMs: number; totalMs: number },
): Promise<void> {
  const { commands, faults, ledger, observer, plan, sender, violations, viewers, world } = run;
  const { records } = await run.read();
  const states = viewers.reduce((sum, viewer) => sum + viewer.stateCount(), 0);
  print(`\nfaults (injected of planned):\n${describeFaults(plan.faults, faults)}`);
  print(describeCommands(sender, commands));
  print(
    `observed: ${records.length} projects, ${observer.podCount()} pods, ${states} states on ${viewers.length} screens; ` +
      `time to converge: ${(tookMs / 1_000).toFixed(1)} s; the run took ${(totalMs / 1_000).toFixed(0)} s`,
  );
  if (violations.found.length === 0) {
    if (tookMs > slowMs) print(`Slow. The output of all processes is in ${saveOutputs(world, seed)}`);
    print(`chaos with seed ${seed}: I1-I8 hold.`);
    return;
  }
  print(`\n${await describeProjects({ violations: violations.found, ledger, viewers, observer, db: world.db })}`);
  print(`\nThe output of all processes is in ${saveOutputs(world, seed)}`);
  for (const violation of violations.found) print(`VIOLATION ${describeViolation(violation)}`);
  print(`chaos with seed ${seed}: ${violations.found.length} violations. To repeat it: ${repeat}`);
}

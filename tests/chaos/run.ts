/** One chaos run: starts the system, carries out the plan, repairs every fault, and checks the invariants. */

import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';

import { observeCluster, type ClusterObserver } from './cluster-observer.ts';
import { createCommands, type Commands } from './commands.ts';
import { awaitConvergence, divergencesOf, readPresent, type Present } from './convergence.ts';
import { createFaults } from './faults.ts';
import { awaitViews, checkLeftovers, checkRows } from './invariants.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { describeCommands, describeFaults, describeProjects, describeViolation, saveOutputs } from './report.ts';
import { checkHoldings, checkOutputs, measure, type Holdings } from './resources.ts';
import { planOf, userCount, type Plan, type PlannedFault } from './schedule.ts';
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
  injected: PlannedFault[];
  /** Since the first planned command. */
  nowMs(): number;
  startClock(): void;
  /** Ends commands and faults that are still under way. */
  endPlan(): void;
  read(): Promise<Present>;
  inject(fault: PlannedFault): Promise<void>;
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
  const observer = observeCluster({
    kubeconfigPath: world.cluster.kubeconfigPath,
    api: world.cluster.api,
    violations,
    nowMs,
    isDeletionRequested: (id) => ledger.find(id)?.deletionRequested ?? false,
  });
  try {
    const live = AbortSignal.any([signal, over.signal]);
    const faults = createFaults({ world, observer, violations, over: live, log });
    const run: Run = {
      plan: planOf({ seed, seconds }),
      seconds,
      world,
      observer,
      ledger,
      violations,
      viewers,
      commands: createCommands({ ledger, viewers, violations, signal: live }),
      injected: [],
      nowMs,
      startClock,
      endPlan: () => over.abort(),
      read: () => readPresent(world),
      inject: (fault) => faults.inject(fault),
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
    await Promise.allSettled([...viewers.map((viewer) => viewer.close()), observer.stop()]);
    await world.stop();
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
  const { plan, seconds, world, commands, injected, violations, nowMs, signal, log } = run;
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
      start: () => {
        injected.push(fault);
        track(run.inject(fault), fault.kind);
      },
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
  const { hadClaim } = observer;
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
  await Promise.all(viewers.map((viewer) => viewer.close()));
  signal.throwIfAborted();
  await checkHoldings(world, before, violations);
  checkOutputs(world, violations);

  const present = await read();
  checkRows(present.records, ledger, violations);
  checkLeftovers(present, violations);
  if (converged.divergences.size === 0) {
    for (const [id, text] of divergencesOf(present, hadClaim)) {
      violations.report('I3', id, `it diverged again: ${text}`);
    }
  }
  return converged.tookMs;
}

async function printSummary(
  run: Run,
  { seed, repeat, tookMs, totalMs }: { seed: number; repeat: string; tookMs: number; totalMs: number },
): Promise<void> {
  const { commands, injected, ledger, observer, violations, viewers, world } = run;
  const { records } = await run.read();
  const states = viewers.reduce((sum, viewer) => sum + viewer.stateCount(), 0);
  print(`\nfaults:\n${describeFaults(injected)}`);
  print(describeCommands(commands));
  print(
    `observed: ${records.length} projects, ${observer.podCount()} pods, ${states} states on ${viewers.length} screens; ` +
      `time to converge: ${(tookMs / 1_000).toFixed(1)} s; the run took ${(totalMs / 1_000).toFixed(0)} s`,
  );
  if (violations.found.length === 0) {
    if (tookMs > slowMs) print(`Slow. The output of all processes is in ${saveOutputs(world, seed)}`);
    print(`chaos with seed ${seed}: I1-I7 hold.`);
    return;
  }
  print(`\n${await describeProjects({ violations: violations.found, ledger, viewers, observer, db: world.db })}`);
  print(`\nThe output of all processes is in ${saveOutputs(world, seed)}`);
  for (const violation of violations.found) print(`VIOLATION ${describeViolation(violation)}`);
  print(`chaos with seed ${seed}: ${violations.found.length} violations. To repeat it: ${repeat}`);
}

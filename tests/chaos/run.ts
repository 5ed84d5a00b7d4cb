/** One run from start to verdict. */

import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';

import { openClusterEyes, type ClusterEyes } from './cluster-observer.ts';
import { createCommands } from './commands.ts';
import { awaitConvergence, divergencesOf, readPresent } from './convergence.ts';
import { createFaults } from './faults.ts';
import { awaitViews, checkBooks, checkLeftovers } from './invariants.ts';
import { createLedger } from './ledger.ts';
import { describeCommands, describeFaults, describeViolation, saveOutputs, tellStories } from './report.ts';
import { checkHoldings, checkOutputs, measure } from './resources.ts';
import { planOf, userCount, type PlannedFault } from './schedule.ts';
import { openViewer, type Viewer } from './viewers.ts';
import { createViolations } from './violations.ts';
import { startWorld } from './world.ts';

const convergenceLimitMs = 60_000;
/** Allowed, but worth a look at what the processes have printed. */
const slowMs = 15_000;

/** Resolves to whether every invariant held. An abort ends the run early, and everything that it has started. */
export async function runChaos(options: {
  seed: number;
  seconds: number;
  repeat: string;
  signal: AbortSignal;
}): Promise<boolean> {
  const { seed, seconds, repeat, signal } = options;
  const plan = planOf({ seed, seconds });
  const beganAt = performance.now();
  /** From the first planned deed. */
  let origin = beganAt;
  const nowMs = () => performance.now() - origin;
  const print = (text: string) => void process.stdout.write(`${text}\n`);
  const say = (line: string) => print(`${(nowMs() / 1_000).toFixed(1).padStart(6)} s  ${line}`);
  const violations = createViolations({
    nowMs,
    onFound: (violation) => print(`VIOLATION ${describeViolation(violation)}`),
  });
  const ledger = createLedger({ violations, nowMs });
  const viewers: Viewer[] = [];
  let eyes: ClusterEyes | null = null;

  print(`chaos with seed ${seed} for ${seconds} s. To repeat it: ${repeat}`);
  const world = await startWorld({ violations, say });
  const over = new AbortController();
  const live = AbortSignal.any([signal, over.signal]);
  try {
    const { cluster, db } = world;
    const { kubeconfigPath, api } = cluster;
    eyes = openClusterEyes({
      kubeconfigPath,
      api,
      violations,
      nowMs,
      isDeletionRequested: (id) => ledger.find(id)?.deletionRequested ?? false,
    });
    const { hadClaim } = eyes;
    for (let user = 0; user < userCount; user += 1) {
      for (const [server, way] of world.ways.entries()) {
        const url = `http://127.0.0.1:${way.port}`;
        viewers.push(openViewer({ user, server, url, token: world.tokens[user] ?? '', violations }));
      }
    }
    const commands = createCommands({ ledger, viewers, violations, signal: live });
    const faults = createFaults({ world, eyes, violations, over: live, say });
    const read = () => readPresent({ db, cluster });

    // Warm: each user has a project that runs, so that what is measured now is what a living system holds.
    await Promise.all(
      Array.from({ length: userCount }, (_, user) =>
        commands.run({ atMs: 0, kind: 'create', user, server: 0, pick: 0 }),
      ),
    );
    const warm = await awaitConvergence({ read, hadClaim, limitMs: 30_000 });
    if (warm.divergences.size > 0) throw new Error(`Not even before the first fault: ${warm.slowest}`);
    const before = await measure(world);
    print(
      `ready after ${((performance.now() - beganAt) / 1_000).toFixed(1)} s: ${cluster.words}, PostgreSQL, Redis, ` +
        `2 servers, 2 workers, ${viewers.length} clients of ${userCount} users`,
    );
    origin = performance.now();

    const underWay = new Set<Promise<void>>();
    const injected: PlannedFault[] = [];
    const track = (deed: Promise<void>, what: string) => {
      const tracked: Promise<void> = deed
        .catch((error: unknown) => {
          if (!signal.aborted) violations.report('I7', null, `the run itself failed at "${what}": ${String(error)}`);
        })
        .finally(() => underWay.delete(tracked));
      underWay.add(tracked);
    };
    const deeds = [
      ...plan.commands.map((command) => ({
        atMs: command.atMs,
        run: () => track(commands.run(command), command.kind),
      })),
      ...plan.faults.map((fault) => ({
        atMs: fault.atMs,
        run: () => {
          injected.push(fault);
          track(faults.inject(fault), fault.kind);
        },
      })),
    ].toSorted((a, b) => a.atMs - b.atMs);
    for (const { atMs, run } of deeds) {
      await delay(Math.max(0, atMs - nowMs()), undefined, { signal });
      run();
    }
    await delay(Math.max(0, seconds * 1_000 - nowMs()), undefined, { signal });

    over.abort();
    say('the last fault is over; healing');
    await Promise.all(underWay);
    await world.heal();
    say('everything is whole again');
    signal.throwIfAborted();
    const converged = await awaitConvergence({ read, hadClaim, limitMs: convergenceLimitMs });
    for (const [id, text] of converged.divergences) {
      violations.report('I3', id, `${(convergenceLimitMs / 1_000).toFixed(0)} s after the last fault it ${text}`);
    }
    say(`${converged.projects} projects converged after ${(converged.tookMs / 1_000).toFixed(1)} s`);
    if (converged.slowest !== null) print(`          the slowest: ${converged.slowest}`);
    signal.throwIfAborted();

    const owners = await db<{ id: string; name: string }>('users').select('id', 'name');
    const users = new Map(owners.map(({ id, name }) => [id, Number(name.split(' ')[1])]));
    const viewsMs = await awaitViews(viewers, { read, userOf: (id) => users.get(id) ?? -1, violations });
    say(`every client shows what the database says after ${(viewsMs / 1_000).toFixed(1)} s`);
    const states = viewers.reduce((sum, viewer) => sum + viewer.observedStates(), 0);
    await Promise.all(viewers.map((viewer) => viewer.close()));
    signal.throwIfAborted();
    await checkHoldings(world, before, violations);
    checkOutputs(world, violations);

    const present = await read();
    checkBooks(present.records, ledger, violations);
    checkLeftovers(present, violations);
    if (converged.divergences.size === 0) {
      for (const [id, text] of divergencesOf(present, hadClaim))
        violations.report('I3', id, `it did not stay: ${text}`);
    }

    print(`\nfaults:\n${describeFaults(injected)}`);
    print(describeCommands(commands));
    print(
      `seen: ${present.records.length} projects, ${eyes.observedPods()} pods, ${states} states on ${viewers.length} screens; ` +
        `time to converge: ${(converged.tookMs / 1_000).toFixed(1)} s; ` +
        `the run took ${((performance.now() - beganAt) / 1_000).toFixed(0)} s`,
    );
    if (violations.found.length > 0) {
      print(`\n${await tellStories({ violations: violations.found, ledger, viewers, eyes, db })}`);
      print(`\nAll that the processes have printed is in ${saveOutputs(world, seed)}`);
      for (const violation of violations.found) print(`VIOLATION ${describeViolation(violation)}`);
      print(`chaos with seed ${seed}: ${violations.found.length} violations. To repeat it: ${repeat}`);
    } else {
      if (converged.tookMs > slowMs)
        print(`Slow. All that the processes have printed is in ${saveOutputs(world, seed)}`);
      print(`chaos with seed ${seed}: I1-I7 hold.`);
    }
    return violations.found.length === 0;
  } catch (error) {
    if (!signal.aborted) {
      print(
        `chaos with seed ${seed} could not be brought to its end: ${error instanceof Error ? error.stack : String(error)}`,
      );
      print(`All that the processes have printed is in ${saveOutputs(world, seed)}. To repeat it: ${repeat}`);
    }
    return false;
  } finally {
    over.abort();
    await Promise.allSettled([...viewers.map((viewer) => viewer.close()), eyes?.stop()]);
    await world.stop();
  }
}

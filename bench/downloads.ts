/**
 * P9b: a download of 100 MB through the gateway, beside a direct one. The same download through two programs that do nothing but pass bytes
 * on shows how much of the difference is Node's HTTP, and how much any second hop costs on this machine.
 *
 * The program that measures is also the pod. So on a machine with two cores, pod, reader, gateway and the kernel's network share these.
 */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent } from 'node:http';
import { join } from 'node:path';
import process from 'node:process';

import { cpuTimeMs } from '../tests/support/cpu-time.ts';
import { percentile, timesOf, type Result } from './measure.ts';

export const downloadMegabytes = 100;
/** A connection is used again after the other ways have had their turn. */
export const keepAliveTimeoutMs = 60_000;

export interface Target {
  host: string;
  port: number;
  agent: Agent;
  headers?: Record<string, string>;
}

interface Way {
  target: Target;
  pid: number;
  times: number[];
  cpuMs: number;
}

/** @param deps.read reads the whole answer to a download */
export async function measureDownload(deps: {
  direct: Target;
  ours: Target;
  gatewayPid: number;
  rounds: number;
  read: (target: Target) => Promise<void>;
}): Promise<Result> {
  const { direct, ours, gatewayPid, rounds, read } = deps;
  const proxies = { http: await startProxy('http', direct.host), tcp: await startProxy('tcp', direct.host) };
  const way = (target: Target, pid: number): Way => ({ target, pid, times: [], cpuMs: 0 });
  const ways = {
    direct: way(direct, process.pid),
    ours: way(ours, gatewayPid),
    http: way(proxies.http.target, proxies.http.pid),
    tcp: way(proxies.tcp.target, proxies.tcp.pid),
  };
  try {
    // Until the compiler has optimised the code.
    for (const { target } of Object.values(ways)) await timesOf(2, 1, () => read(target));
    for (let round = 0; round < rounds; round += 1) {
      for (const each of Object.values(ways)) {
        const before = cpuTimeMs(each.pid);
        each.times.push(...(await timesOf(1, 1, () => read(each.target))));
        each.cpuMs += (cpuTimeMs(each.pid) - before) / rounds;
      }
    }
  } finally {
    for (const { child } of Object.values(proxies)) child.kill();
  }
  const rate = ({ times }: Way) => downloadMegabytes * (1_000 / percentile(times, 0.5));
  // Pairs of the same round, because other work on the machine slows both down.
  const ratio = ({ times }: Way) =>
    percentile(
      times.map((time, round) => (ways.direct.times[round] ?? Number.NaN) / time),
      0.5,
    );
  return {
    id: 'P9b',
    what: 'throughput of a download of 100 MB through the gateway, beside a direct one',
    unit: 'MB/s',
    ours: rate(ways.ours),
    baseline: rate(ways.direct),
    ratio: ratio(ways.ours),
    budget: { atLeast: 0.7 },
    details: {
      'ratio of a bare HTTP proxy': ratio(ways.http),
      'ratio of a bare TCP proxy': ratio(ways.tcp),
      'CPU of the gateway, ms': ways.ours.cpuMs,
      'CPU of the bare HTTP proxy, ms': ways.http.cpuMs,
      'CPU of the bare TCP proxy, ms': ways.tcp.cpuMs,
      'CPU of pod and reader, direct, ms': ways.direct.cpuMs,
      rounds,
    },
  };
}

async function startProxy(kind: 'http' | 'tcp', podAddress: string) {
  const child: ChildProcess = spawn(
    process.execPath,
    [join(import.meta.dirname, 'bare-proxies.ts'), kind, podAddress],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const { pid, stdout } = child;
  if (pid === undefined || stdout === null) throw new Error(`The bare ${kind} proxy could not be started.`);
  const port = Number(String((await once(stdout, 'data'))[0]));
  return { child, pid, target: { host: '127.0.0.1', port, agent: new Agent({ keepAlive: true }) } };
}

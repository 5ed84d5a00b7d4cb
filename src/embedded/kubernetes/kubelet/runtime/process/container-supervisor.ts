/** One container of a pod over all its runs: its process, its probes and its crashes. */

import { readFileSync } from 'node:fs';

import { textAt, valueAt, type JsonObject } from '../../../api/kube-object.ts';
import type { StepEvent } from '../container-status.ts';
import type { RunState } from './container-decision.ts';
import { execInContainer, startContainerProcess, type ContainerProcess } from './container-process.ts';
import { checkHttp } from './http-probe.ts';
import type { Launcher, ResolvedContainer } from './launcher.ts';
import type { LogFiles } from './log-files.ts';
import { healthWithoutProbes } from './probe-state.ts';
import { startProber, type CheckProbe, type Prober } from './prober.ts';

/** A run that lasted this long makes the earlier crashes forgotten, as in the kubelet. */
const longRunMs = 600_000;
/** Kubernetes keeps this much of a termination message. */
const messageLimit = 4096;

export type ContainerSupervisor = ReturnType<typeof createContainerSupervisor>;

export function createContainerSupervisor(deps: {
  launcher: Launcher;
  logs: LogFiles;
  /** The length of one second in the period of a probe. */
  probeSecondMs: number;
  /** The container has changed: its pod needs a step. */
  onChange: () => void;
}) {
  const { launcher, logs, probeSecondMs, onChange } = deps;
  let current:
    | { process: ContainerProcess; prober: Prober | undefined; container: JsonObject; messageFile: string }
    | undefined;
  let isStopping = false;
  let crashes = 0;
  const events: StepEvent[] = [];

  function start(options: {
    uid: string;
    container: JsonObject;
    resolved: ResolvedContainer;
    messageFile: string;
    restartCount: number;
    address: string;
    isInit: boolean;
  }): void {
    const { uid, container, resolved, messageFile, restartCount, address, isInit } = options;
    isStopping = false;
    const log = logs.open({ uid, container: textAt(container, 'name'), restartCount });
    const process = startContainerProcess({ launcher, container: resolved, log, onEnd });
    const check: CheckProbe = (probe, timeoutMs) => {
      const command = valueAt(probe, 'exec', 'command');
      if (!Array.isArray(command)) return checkHttp(probe, address, timeoutMs);
      return execInContainer(launcher.exec(resolved, command.map(String)), timeoutMs);
    };
    const prober = isInit
      ? undefined
      : startProber({ container, secondMs: probeSecondMs, check, onChange, onEvent: addEvent });
    current = { process, prober, container, messageFile };
  }

  function onEnd(): void {
    current?.prober?.stop();
    const lastedMs = Date.now() - (current?.process.startedAtMs ?? Date.now());
    crashes = lastedMs >= longRunMs ? 1 : crashes + 1;
    onChange();
  }

  function addEvent(event: StepEvent): void {
    events.push(event);
    onChange();
  }

  return {
    start,
    crashes: () => crashes,
    takeEvents: (): StepEvent[] => events.splice(0),
    isAlive: (): boolean => current !== undefined && current.process.end() === undefined,
    /** The newest run; undefined before the first one. */
    run(): RunState | undefined {
      if (current === undefined) return undefined;
      const { process, prober, container, messageFile } = current;
      const end = process.end();
      return {
        startedAtMs: process.startedAtMs,
        health: prober?.health() ?? healthWithoutProbes(container),
        isStopping,
        ...(end && {
          end: {
            atMs: end.atMs,
            exitCode: end.exitCode,
            reason: end.isOutOfMemory ? 'OOMKilled' : end.exitCode === 0 ? 'Completed' : 'Error',
            message: readMessage(messageFile),
          },
        }),
      };
    },
    stop(graceMs: number): void {
      isStopping = true;
      current?.prober?.stop();
      current?.process.stop(graceMs);
    },
    exited: (): Promise<unknown> => current?.process.exited ?? Promise.resolve(),
  };
}

/** The last message that the program has written for the kubelet; empty when there is none. */
function readMessage(file: string): string {
  try {
    return readFileSync(file, 'utf8').slice(0, messageLimit);
  } catch {
    return ''; // the pod is gone
  }
}

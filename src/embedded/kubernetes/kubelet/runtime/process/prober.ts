/** Runs the probes of one run of a container. */

import { setTimeout as delay } from 'node:timers/promises';

import type { JsonObject } from '../../../api/kube-object.ts';
import { warning, type StepEvent } from '../container-status.ts';
import { unhealthyMessage } from '../kubelet-messages.ts';
import { countResult, healthWithoutProbes, newProbeState, probeSettings, type Health } from './probe-state.ts';

/** One attempt of a probe; null means success, a text says why it failed. */
export type CheckProbe = (probe: JsonObject, timeoutMs: number) => Promise<string | null>;

type ProbeKind = 'startup' | 'readiness' | 'liveness';

/** A program that has just started refuses connections. Until then failures are not counted, and the next try comes soon. */
const quietMs = 3_000;
const quietPeriodMs = 200;

export interface Prober {
  health(): Health;
  stop(): void;
}

/** Probes until `stop` is called. Calls `onChange` when the health has changed, and `onEvent` for failures. */
export function startProber(options: {
  container: JsonObject;
  /** The length of one second in the period of a probe. */
  secondMs: number;
  check: CheckProbe;
  onChange: () => void;
  onEvent: (event: StepEvent) => void;
}): Prober {
  const { container, secondMs, check, onChange, onEvent } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const startedAt = performance.now();
  let health = healthWithoutProbes(container);

  /** Repeats one probe until it has failed for good, or for the startup probe until it has succeeded. */
  async function repeat(kind: ProbeKind): Promise<void> {
    const probe = container[`${kind}Probe`] as JsonObject; // only called for a probe that has settings
    const settings = probeSettings(probe, secondMs);
    if (settings === undefined) return;
    let state = newProbeState;
    await delay(settings.initialDelayMs, undefined, { signal });
    for (;;) {
      const failure = await check(probe, settings.timeoutMs);
      if (signal.aborted) return;
      if (failure !== null && state.result === 'unknown' && performance.now() - startedAt < quietMs) {
        await delay(Math.min(quietPeriodMs, settings.periodMs), undefined, { signal });
        continue;
      }
      state = countResult(state, failure === null, settings);
      if (failure !== null) onEvent(warning('Unhealthy', unhealthyMessage(kind, probe, { ip: '', failure })));
      if (apply(kind, state.result)) return;
      await delay(settings.periodMs, undefined, { signal });
    }
  }

  /** Whether the probe has ended. */
  function apply(kind: ProbeKind, result: 'unknown' | 'success' | 'failure'): boolean {
    if (result === 'unknown') return false;
    const isSuccess = result === 'success';
    if (kind === 'readiness') change({ ...health, isReady: isSuccess });
    else if (!isSuccess) change({ ...health, isReady: false, failed: kind });
    else if (kind === 'startup') {
      change({ isStarted: true, isReady: container['readinessProbe'] === undefined });
      begin('readiness');
      begin('liveness');
    }
    return kind === 'startup' || health.failed !== undefined;
  }

  function change(next: Health): void {
    const isSame =
      next.isStarted === health.isStarted && next.isReady === health.isReady && next.failed === health.failed;
    health = next;
    if (!isSame) onChange();
  }

  function begin(kind: ProbeKind): void {
    repeat(kind).catch((error: unknown) => {
      if (!signal.aborted) onEvent(warning('ProbeError', `${kind} probe errored: ${String(error)}`));
    });
  }

  if (health.isStarted) {
    begin('readiness');
    begin('liveness');
  } else begin('startup');

  return { health: () => health, stop: () => stopping.abort() };
}

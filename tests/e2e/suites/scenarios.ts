/**
 * Every scenario of the simulated kubelet, each in a project of its own: the project gets the expected reason with a
 * message, a next step and evidence. Creating the projects and checking them are two suites: other suites run in between.
 */

import { randomUUID } from 'node:crypto';

import { CoreV1Api, KubeConfig, Watch } from '@kubernetes/client-node';
import { afterAll, expect, it, vi } from 'vitest';

import type { Project } from '../../../src/shared/contract/project.ts';
import { reasonFacts, type ReasonCode } from '../../../src/shared/contract/reasons.ts';
import type { Client } from '../../../src/shared/sdk/client.ts';
import { kubernetesEventSchema } from '../../../src/worker/pods/kube/kubernetes-event.ts';
import type { StartedApp } from '../../support/started-app.ts';
import { scenarioReasons } from './scenario-reasons.ts';

/** Reasons that an event of Kubernetes reports before the status of the pod does, by the reason of the event. */
const eventReasons: Partial<Record<string, ReasonCode>> = {
  TriggeredScaleUp: 'scaling-up',
  ProvisioningFailed: 'volume-pending',
  FailedMount: 'mount-failed',
  FailedCreatePodSandBox: 'network-failed',
};

interface Report {
  project: Project;
  atMs: number;
}

/** The first report of each reason, by the name of the project. */
type Reports = Map<string, Map<ReasonCode, Report>>;

export function scenariosSuite(app: StartedApp) {
  const reports: Reports = new Map();
  const stopped = new AbortController();
  let client: Client;
  let watched: Promise<void>;
  let events: Awaited<ReturnType<typeof watchEvents>>;

  afterAll(async () => {
    stopped.abort();
    await watched;
    events?.stop();
  });

  return {
    createProjects() {
      it('accepts a project for every scenario', async () => {
        client = await app.client('user-c');
        watched = recordReports(client, reports, stopped.signal);
        events = await watchEvents(app.system.kubeconfigPath);
        for (const [name] of scenarioReasons) {
          const input = { name, repoUrl: `https://scenarios.example/${name}`, idempotencyKey: randomUUID() };
          // The server may answer UNAVAILABLE while many projects start. The idempotency key makes a retry safe.
          await vi.waitFor(() => client.projects.create(input), { timeout: 30_000, interval: 500 });
        }
      });
    },

    checkReports() {
      const reportOf = (name: string, reason: ReasonCode) => reports.get(name)?.get(reason);

      it('reports the reason of every scenario', { timeout: 180_000 }, async () => {
        const missing = () =>
          scenarioReasons
            .filter(([name, reason]) => reportOf(name, reason) === undefined)
            .map(
              ([name, reason]) => `${name}: no ${reason}, only ${[...(reports.get(name)?.keys() ?? [])].join(', ')}`,
            );
        await expect.poll(missing, { timeout: 170_000, interval: 200 }).toEqual([]);
      });

      it('gives every reason a message and a next step, and every failure evidence', () => {
        for (const [name, reason] of scenarioReasons) {
          const project = reportOf(name, reason)?.project;
          expect(project?.message, name).toMatch(/^[A-Z].*\.$/);
          expect(project?.nextStep, name).toMatch(/^[A-Z].*\.$/);
          if (reasonFacts[reason].isFailure) expect(project?.evidence, name).not.toEqual([]);
        }
      });

      it('reports what only an event says within five seconds of the event', () => {
        const delaysMs: number[] = [];
        for (const [name, reason] of scenarioReasons) {
          const report = reportOf(name, reason);
          for (const [eventReason, reportedAs] of Object.entries(eventReasons)) {
            const eventAtMs = events.firstAtMs(`${report?.project.id} ${eventReason}`);
            if (report && reportedAs === reason && eventAtMs !== undefined) delaysMs.push(report.atMs - eventAtMs);
          }
        }
        process.stdout.write(`from event to report: ${delaysMs.map((ms) => `${Math.round(ms)} ms`).join(', ')}\n`);
        expect(delaysMs.length).toBeGreaterThanOrEqual(4);
        expect(Math.max(...delaysMs)).toBeLessThan(5_000);
      });
    },
  };
}

async function recordReports(client: Client, reports: Reports, signal: AbortSignal): Promise<void> {
  try {
    for await (const project of client.watch(undefined, { signal })) {
      const byReason = reports.get(project.name) ?? new Map<ReasonCode, Report>();
      reports.set(project.name, byReason);
      if (project.reason && !byReason.has(project.reason)) {
        byReason.set(project.reason, { project, atMs: performance.now() });
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Records when the first event of each project and reason arrived. */
async function watchEvents(kubeconfigPath: string) {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(kubeconfigPath);
  const { metadata } = await kubeConfig.makeApiClient(CoreV1Api).listNamespacedEvent({ namespace: 'opencode' });
  const firstAtMs = new Map<string, number>();
  const request = await new Watch(kubeConfig).watch(
    '/api/v1/namespaces/opencode/events',
    { resourceVersion: metadata?.resourceVersion ?? '' },
    (_type, object: unknown) => {
      const { involvedObject, reason } = kubernetesEventSchema.parse(object);
      const projectId = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(involvedObject.name)?.[0];
      const key = `${projectId} ${reason}`;
      if (!firstAtMs.has(key)) firstAtMs.set(key, performance.now());
    },
    () => undefined,
  );
  return { firstAtMs: (key: string) => firstAtMs.get(key), stop: () => request.abort() };
}

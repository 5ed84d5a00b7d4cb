import { randomUUID } from 'node:crypto';

import { CoreV1Api, KubeConfig, Watch } from '@kubernetes/client-node';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

import { scenarioOf, scenarioNames } from '../../src/embedded/kubernetes/kubelet/runtime/simulated/scenarios.ts';
import type { Project } from '../../src/shared/contract/project.ts';
import { reasonFacts, type ReasonCode } from '../../src/shared/contract/reasons.ts';
import { createClient, type Client } from '../../src/shared/sdk/client.ts';
import { kubernetesEventSchema } from '../../src/worker/pods/kube/kubernetes-event.ts';
import { createDataDir, runProgram, startSystem, type StartedSystem } from '../support/started-system.ts';

/** The word as it is written in an address, and the reason that its owner is told. */
const scenarioTable: [word: string, reason: ReasonCode][] = [
  ['clone-not-found', 'clone-failed'],
  ['clone-denied', 'clone-failed'],
  ['clone-unreachable', 'clone-failed'],
  ['clone-timeout', 'clone-failed'],
  ['clone-no-space', 'clone-failed'],
  ['clone-slow', 'cloning'],
  ['init-failed', 'init-failed'],
  ['not-found', 'image-not-found'],
  ['denied', 'image-denied'],
  ['unreachable', 'image-unreachable'],
  ['registry-503', 'image-unreachable'],
  ['rate-limited', 'image-rate-limited'],
  ['untrusted', 'image-untrusted'],
  ['slow-pull', 'creating'],
  ['invalid-name', 'image-invalid-name'],
  ['config-error', 'config-missing'],
  ['secret-missing', 'config-missing'],
  ['create-error', 'create-container-error'],
  ['start-error', 'start-error'],
  ['hook-failed', 'hook-failed'],
  ['crash-once', 'crash-loop'],
  ['crash', 'crash-loop'],
  ['segfault', 'crash-loop'],
  ['exit-42', 'crash-loop'],
  ['oom', 'out-of-memory'],
  ['never-started', 'starting'],
  ['never-ready', 'readiness-failing'],
  ['ready-404', 'readiness-failing'],
  ['ready-timeout', 'readiness-failing'],
  ['liveness', 'liveness-failing'],
  ['unschedulable', 'unschedulable'],
  ['no-memory', 'unschedulable'],
  ['tainted', 'unschedulable'],
  ['disk-pressure', 'unschedulable'],
  ['wrong-zone', 'unschedulable'],
  ['scale-up', 'scaling-up'],
  ['no-scheduler', 'waiting-for-node'],
  ['silent-node', 'scheduled'],
  ['node-lost', 'node-lost'],
  ['evicted', 'evicted'],
  ['deadline', 'deadline-exceeded'],
  ['refused', 'node-refused'],
  ['preempted', 'preempted'],
  ['drained', 'drained'],
  ['quota', 'quota-exceeded'],
  ['policy', 'admission-denied'],
  ['volume-pending', 'volume-pending'],
  ['mount-failed', 'mount-failed'],
  ['attach-failed', 'attach-failed'],
  ['multi-attach', 'multi-attach'],
  ['no-network', 'network-failed'],
];
/** What an event of Kubernetes is the first to tell. */
const firstReported: Partial<Record<string, ReasonCode>> = {
  TriggeredScaleUp: 'scaling-up',
  ProvisioningFailed: 'volume-pending',
  FailedMount: 'mount-failed',
  FailedCreatePodSandBox: 'network-failed',
};

let system: StartedSystem;
let client: Client;
let remove: () => void;

beforeAll(async () => {
  const folder = createDataDir();
  ({ remove } = folder);
  system = await startSystem({ dataDir: folder.dataDir, env: { MAX_PROJECTS_PER_USER: '100' } });
  const program = runProgram('src/embedded/token-cli.ts', { DATA_DIR: folder.dataDir }, ['user-a']);
  await program.exited;
  client = createClient({ url: system.url, token: program.output().trim() });
});
afterAll(async () => {
  await client.close();
  await system.end('SIGTERM');
  remove();
});

it('each situation that can be played is told in words, and what an event tells soon after it', async () => {
  const told = new Map<string, Map<ReasonCode, { project: Project; atMs: number }>>();
  const watching = new AbortController();
  const watched = (async () => {
    for await (const project of client.watch(undefined, { signal: watching.signal })) {
      const reasons = told.get(project.name) ?? new Map<ReasonCode, { project: Project; atMs: number }>();
      told.set(project.name, reasons);
      if (project.reason && !reasons.has(project.reason))
        reasons.set(project.reason, { project, atMs: performance.now() });
    }
  })().catch((error: unknown) => {
    if (!watching.signal.aborted) throw error;
  });
  const happened = await followEvents(system.kubeconfigPath);

  for (const [word] of scenarioTable) {
    const desired = { name: word, repoUrl: `https://scenarios.example/${word}`, idempotencyKey: randomUUID() };
    // Fifty starts at once on a crowded machine, and a create may be told to come again.
    await vi.waitFor(() => client.projects.create(desired), { timeout: 30_000, interval: 500 });
  }
  const missing = () =>
    scenarioTable
      .filter(([word, reason]) => !told.get(word)?.has(reason))
      .map(([word, reason]) => {
        const observed = [...(told.get(word)?.keys() ?? [])].join(', ');
        return `${word}: ${reason}, only ${observed}`;
      });
  await expect.poll(missing, { timeout: 180_000, interval: 200 }).toEqual([]);

  for (const [word, reason] of scenarioTable) {
    const project = told.get(word)?.get(reason)?.project;
    expect(project?.message, word).toMatch(/^[A-Z].*\.$/);
    expect(project?.nextStep, word).toMatch(/^[A-Z].*\.$/);
    if (reasonFacts[reason].isFailure) expect(project?.evidence, word).not.toEqual([]);
  }
  const late: number[] = [];
  for (const [word, reason] of scenarioTable) {
    const project = told.get(word)?.get(reason);
    for (const [eventReason, first] of Object.entries(firstReported)) {
      const at = happened.get(`${project?.project.id} ${eventReason}`);
      if (project && first === reason && at !== undefined) late.push(project.atMs - at);
    }
  }
  process.stdout.write(`from an event to the words: ${late.map((ms) => `${Math.round(ms)} ms`).join(', ')}\n`);
  expect(late.length).toBeGreaterThanOrEqual(4);
  // Forty starts at once on a crowded machine; on a quiet one it is a fifth of a second.
  expect(Math.max(...late)).toBeLessThan(5_000);
  watching.abort();
  await watched;
  await happened.stop();
}, 240_000);

it('the page of situations names every word, and the table above every one that can be played', async () => {
  const rows = scenarioNames.map((word) => {
    const example = word.includes('(') ? 'exit-42' : word;
    return `| \`${example}\` | ${scenarioOf('', example).shows} |`;
  });
  const page = `# Situations that can be played

The embedded Kubernetes of \`npm start\` can play what befalls pods in real clusters, so that people see how it looks. Written by
\`tests/e2e/scenarios.test.ts\`, which also plays each of them; after a change: \`npx vitest run tests/e2e/scenarios.test.ts -u\`.

- **For one project:** create it with the repository \`https://scenarios.example/<word>\`, such as
  \`https://scenarios.example/oom\`.
- **For all:** name an image whose last part has the word in it, as in
  \`OPENCODE_IMAGE=registry.example.com/team/not-found:v1 npm start\`; with FILE_BROWSER_IMAGE or SESSION_PROXY_IMAGE it befalls that container.

What a person reads of each reason, and what it looks like in a real cluster: [docs/reasons.md](../reasons.md).

| Word | What happens |
|---|---|
${rows.join('\n')}
`;
  await expect(page).toMatchFileSnapshot('../../docs/operations/scenarios.md');
  const shown = scenarioTable.map(([word]) => (word === 'exit-42' ? 'exit-(\\d{1,3})' : word));
  expect(shown.toSorted()).toEqual(scenarioNames.toSorted());
});

/** When each event was first heard of, by the project's id and the reason. */
async function followEvents(kubeconfigPath: string) {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(kubeconfigPath);
  const { metadata } = await kubeConfig.makeApiClient(CoreV1Api).listNamespacedEvent({ namespace: 'opencode' });
  const observed = new Map<string, number>();
  const request = await new Watch(kubeConfig).watch(
    '/api/v1/namespaces/opencode/events',
    { resourceVersion: metadata?.resourceVersion ?? '' },
    (_type, object: unknown) => {
      const { involvedObject, reason } = kubernetesEventSchema.parse(object);
      const id = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(involvedObject.name)?.[0];
      const key = `${id} ${reason}`;
      if (!observed.has(key)) observed.set(key, performance.now());
    },
    () => undefined,
  );
  return { get: (key: string) => observed.get(key), stop: async () => request.abort() };
}

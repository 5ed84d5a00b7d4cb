import { loadYaml, type V1Pod, type V1PodSpec } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import type { Project } from '../../src/shared/contract/project.ts';
import type { Database } from '../../src/shared/node/db/database.ts';
import { findProject } from '../../src/shared/node/db/projects-repository.ts';
import { createClient } from '../../src/shared/sdk/client.ts';
import { readWorkerConfig } from '../../src/worker/config.ts';
import { startWorker } from '../../src/worker/worker.ts';
import { clusterKinds, type TestCluster } from '../support/clusters.ts';
import { openTestDatabase } from '../support/open-test-database.ts';
import { podTemplateExample } from '../support/pod-template-example.ts';
import { createTestDatabase, createTestRedis } from '../support/services.ts';
import { startTestServer } from '../support/test-server.ts';

const namespace = 'opencode';
const waitOptions = { timeoutMs: 15_000 };
const podTemplate = loadYaml<V1Pod & { spec: V1PodSpec }>(podTemplateExample());
delete podTemplate.spec.nodeSelector; // no node of these clusters has the label

describe.each(clusterKinds)('a project on $name', ({ start }) => {
  const cleanUps: (() => Promise<void> | void)[] = [];
  let cluster: TestCluster;
  let client: ReturnType<typeof createClient>;
  let db: Database;
  let project: Project;

  beforeAll(async () => {
    const [startedCluster, database, redis] = await Promise.all([start(), createTestDatabase(), createTestRedis()]);
    cluster = startedCluster;
    cleanUps.push(() => cluster.stop(), database.drop);
    db = openTestDatabase(database.url);
    cleanUps.push(() => db.destroy());
    const server = await startTestServer({ databaseUrl: database.url, redisUrl: redis.url });
    cleanUps.push(server.stop);
    const worker = await startWorker(
      readWorkerConfig({
        DATABASE_URL: database.url,
        REDIS_URL: redis.url,
        KUBECONFIG: cluster.kubeconfigPath,
        OPENCODE_IMAGE: 'registry.example.com/opencode:v1',
        POD_TEMPLATE: JSON.stringify(podTemplate),
        LOG_LEVEL: process.env['TEST_LOG_LEVEL'] ?? 'silent',
      }),
    );
    cleanUps.push(worker.stop);
    client = createClient({ url: server.url, token: await server.mintToken('owner') });
    cleanUps.push(() => client.close());
  });

  afterAll(async () => {
    for (const cleanUp of cleanUps.toReversed()) await cleanUp();
  });

  const readPod = () => cluster.api.readNamespacedPod({ name: project.podName, namespace });
  const readClaim = () =>
    cluster.api.readNamespacedPersistentVolumeClaim({ name: project.workspacePvcName, namespace });
  const podsOfProject = async () =>
    (await cluster.api.listNamespacedPod({ namespace, labelSelector: `project-id=${project.id}` })).items;

  it('is created at once, and then receives its own pod and volume with the right spec', async () => {
    project = await client.projects.create({ name: 'Lifecycle', repoUrl: 'https://example.org/team/repo' });
    expect(project).toMatchObject({ status: 'initializing', phase: null, reason: 'queued', generation: 1 });
    expect(project.podName).toMatch(new RegExp(`^project-${project.id}-[a-z0-9]{5}$`));
    expect(project.workspacePvcName).toBe(`workspace-${project.id}`);

    await client.waitFor(project.id, (each) => each.podCreatedAt !== null, waitOptions);
    const [pod, claim] = await Promise.all([readPod(), readClaim()]);
    expect(pod.metadata?.labels).toMatchObject({
      app: 'opencode-project',
      'project-id': project.id,
      'app.kubernetes.io/managed-by': 'opencode-project-manager',
    });
    expect(pod.spec?.containers.map((each) => [each.name, each.ports?.[0]?.containerPort])).toEqual([
      ['opencode-server', 3000],
      ['file-browser', 3001],
      ['session-proxy', 3002],
    ]);
    expect(pod.spec?.volumes?.[0]?.persistentVolumeClaim?.claimName).toBe(project.workspacePvcName);
    for (const container of pod.spec?.containers ?? []) {
      expect(container.volumeMounts).toContainEqual(
        expect.objectContaining({ name: 'workspace', mountPath: '/workspace' }),
      );
    }
    // What the administrator has added, as the API server has stored it.
    expect(pod.metadata).toMatchObject(podTemplate.metadata ?? {});
    const { containers, volumes = [], tolerations = [], ...placement } = podTemplate.spec;
    expect(pod.spec).toMatchObject(placement);
    expect(pod.spec?.tolerations).toEqual(expect.arrayContaining(tolerations)); // Kubernetes adds two
    const names = (list: { name: string }[] = []) => list.map(({ name }) => name);
    expect(names(pod.spec?.volumes)).toEqual(expect.arrayContaining(names(volumes)));
    const env = pod.spec?.containers[0]?.env;
    expect(env).toEqual(expect.arrayContaining(containers[0]?.env ?? expect.unreachable()));
    expect(claim.spec).toMatchObject({ accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } });
  });

  it('becomes ready with all three containers', async () => {
    const ready = await client.waitFor(project.id, (each) => each.status === 'ready', waitOptions);
    expect(ready).toMatchObject({ phase: 'Running', reason: 'ready', podError: null, observedGeneration: 1 });
    expect(ready.containers.map(({ name, ready: isReady }) => [name, isReady])).toEqual([
      ['opencode-server', true],
      ['file-browser', true],
      ['session-proxy', true],
    ]);
  });

  it('is renamed without a change of its pod', async () => {
    const before = (await readPod()).metadata?.uid;
    const updated = await client.projects.update({ id: project.id, name: 'Renamed', description: 'New words' });
    expect(updated).toMatchObject({ name: 'Renamed', description: 'New words', status: 'ready', generation: 1 });
    expect((await readPod()).metadata?.uid).toBe(before);
  });

  it('keeps its volume across stop and start', async () => {
    const claimUid = (await readClaim()).metadata?.uid;
    await client.projects.stop({ id: project.id });
    const stopped = await client.waitFor(project.id, (each) => each.status === 'stopped', waitOptions);
    expect(stopped).toMatchObject({ phase: null, containers: [], desiredState: 'stopped' });
    expect(await podsOfProject()).toEqual([]);

    await client.projects.start({ id: project.id });
    await client.waitFor(project.id, (each) => each.status === 'ready', waitOptions);
    expect((await readClaim()).metadata?.uid).toBe(claimUid);
    expect((await readPod()).spec?.volumes?.[0]?.persistentVolumeClaim?.claimName).toBe(project.workspacePvcName);
  });

  it('restarts into a new pod of the same name', async () => {
    const before = (await readPod()).metadata?.uid;
    const restarting = await client.projects.restart({ id: project.id });
    await client.waitFor(
      project.id,
      (each) => each.status === 'ready' && each.observedGeneration === restarting.generation,
      waitOptions,
    );
    expect((await podsOfProject()).map((pod) => pod.metadata?.name)).toEqual([project.podName]);
    expect((await readPod()).metadata?.uid).not.toBe(before);
  });

  it('is no longer ready when its pod is deleted from outside, and receives a new pod', async () => {
    const before = (await readPod()).metadata?.uid;
    const observed = new Set<string>();
    const until = new AbortController();
    const watching = (async () => {
      for await (const each of client.watch(project.id, { signal: until.signal })) observed.add(each.status);
    })();
    await vi.waitFor(() => expect([...observed]).toEqual(['ready']), { timeout: 5_000 });
    await cluster.api.deleteNamespacedPod({ name: project.podName, namespace });
    await vi.waitFor(
      async () => {
        const pod = await readPod().catch(() => null);
        expect(pod?.metadata?.uid).not.toBe(before);
        expect(await client.projects.get({ id: project.id })).toMatchObject({ status: 'ready' });
      },
      { timeout: 15_000, interval: 100 },
    );
    expect(observed).toContain('initializing');
    until.abort();
    await watching.catch(() => undefined); // the abort is how this watch ends
  });

  it('is deleted with pod and volume, and its row is archived', async () => {
    await client.projects.delete({ id: project.id });
    const archived = await client.waitFor(project.id, (each) => each.status === 'archived', waitOptions);
    expect(archived.deletedAt).not.toBeNull();
    expect(await podsOfProject()).toEqual([]);
    await expect(readClaim()).rejects.toMatchObject({ code: 404 });
    expect(await findProject(db, project.id)).toMatchObject({ status: 'archived', desiredState: 'deleted' });
    expect((await client.projects.list()).items).toEqual([]);
    expect(await client.projects.delete({ id: project.id })).toMatchObject({ status: 'archived' });
  });

  it('has every command in its timeline', async () => {
    const kinds: string[] = [];
    let cursor: string | null = null;
    do {
      const page: { items: { kind: string }[]; nextCursor: string | null } = await client.projects.activity({
        id: project.id,
        cursor,
      });
      kinds.push(...page.items.map((entry) => entry.kind));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(kinds.filter((kind) => kind !== 'status-changed').toReversed()).toEqual([
      'created',
      'updated',
      'stop-requested',
      'start-requested',
      'restart-requested',
      'delete-requested',
      'archived',
    ]);
  });
});

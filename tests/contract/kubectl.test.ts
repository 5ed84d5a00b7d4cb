/**
 * The real kubectl with the kubeconfig of the embedded Kubernetes, as a person uses it: the one of KUBEBUILDER_ASSETS, else the
 * one on the path.
 */

import { execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  createEmbeddedKubernetes,
  type EmbeddedKubernetes,
} from '../../src/embedded/kubernetes/embedded-kubernetes.ts';
import { eventually } from './contract-api.ts';
import { claimManifest, podManifest } from './manifests.ts';

const run = promisify(execFile);
const assetsDir = process.env['KUBEBUILDER_ASSETS'] ?? '';
const program = assetsDir === '' ? 'kubectl' : path.join(assetsDir, 'kubectl');
const hasKubectl = spawnSync(program, ['version', '--client'], { stdio: 'ignore' }).status === 0;
if (!hasKubectl) process.stdout.write('kubectl: its tests are skipped, because there is no kubectl\n');

describe.runIf(hasKubectl)('kubectl on the embedded Kubernetes', () => {
  let directory = '';
  let kubernetes: EmbeddedKubernetes | undefined;
  let environment: NodeJS.ProcessEnv = {};

  const kubectl = async (...args: string[]): Promise<string> => {
    const { stdout } = await run(program, args, { env: environment, timeout: 15_000 });
    return stdout;
  };
  const write = async (name: string, ...manifests: object[]): Promise<string> => {
    const file = path.join(directory, name);
    await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests }));
    return file;
  };
  const createPod = async (name: string, options: { image?: string } = {}): Promise<void> => {
    const file = await write(
      `${name}.json`,
      claimManifest(`${name}-workspace`),
      podManifest(name, { claim: `${name}-workspace`, ...options }),
    );
    const output = await kubectl('create', '-f', file);
    expect(output).toContain(`pod/${name} created`);
  };

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'kubectl-'));
    kubernetes = await createEmbeddedKubernetes({
      dataDir: directory,
      kubeletOptions: {
        delays: { scheduleMs: 50, provisionMs: 10, pullMs: 50, createMs: 10, startupMs: 50, readyMs: 50, stopMs: 100 },
      },
    });
    environment = { ...process.env, KUBECONFIG: kubernetes.kubeconfigPath, HOME: directory };
  });
  afterAll(async () => {
    await kubernetes?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('finds a kubeconfig that only its owner can read, with a context and a namespace', async () => {
    const mode = (await stat(path.join(directory, 'kubeconfig'))).mode & 0o777;
    expect(mode).toBe(0o600);
    expect((await kubectl('config', 'current-context')).trim()).toBe('opencode-embedded');
    expect(await kubectl('get', 'namespaces')).toMatch(/opencode +Active/);
    expect(await kubectl('get', 'nodes')).toMatch(/embedded +Ready/);
  });

  it('creates from a file, waits, and prints pods and claims in columns', async () => {
    await createPod('printed');
    await kubectl('wait', '--for=condition=Ready', 'pod/printed', '--timeout=10s');
    const [header, row] = (await kubectl('get', 'pods', 'printed')).split('\n');
    expect(header?.trim().split(/ +/)).toEqual(['NAME', 'READY', 'STATUS', 'RESTARTS', 'AGE']);
    expect(row).toMatch(/^printed +3\/3 +Running +0 +\d+s$/);
    expect(await kubectl('get', 'pods', 'printed', '-o', 'wide')).toMatch(/192\.0\.2\.\d+ +embedded/);
    expect(await kubectl('get', 'pvc', 'printed-workspace')).toMatch(
      /printed-workspace +Bound +pvc-[0-9a-f-]+ +1Gi +RWO +standard/,
    );
    const yaml = await kubectl('get', 'pods', '-l', 'app=opencode-project', '-o', 'yaml');
    expect(yaml).toContain('kind: Pod');
    expect(yaml).toContain('name: printed');
    expect(yaml).toContain('containerPort: 3002');
  });

  it('follows a pod from Pending to Running with get -w', async () => {
    await createPod('existing');
    const watch = spawn(program, ['get', 'pods', '-w'], { env: environment });
    let output = '';
    watch.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    try {
      // After its list, kubectl receives every change.
      await eventually(
        async () => await Promise.resolve(output),
        (text) => text.includes('existing'),
      );
      await createPod('watched');
      await eventually(
        async () => await Promise.resolve(output),
        (text) => /watched +3\/3 +Running/.test(text),
      );
    } finally {
      watch.kill();
    }
    expect(output.match(/NAME +READY/g)).toHaveLength(1);
    expect(output).toMatch(/watched +0\/3 +Pending[^]*watched +0\/3 +ContainerCreating[^]*watched +3\/3 +Running/);
  });

  it('describes a pod and a claim with their events', async () => {
    await createPod('described');
    const pod = await eventually(
      async () => await kubectl('describe', 'pod', 'described'),
      (text) => text.includes('Started container session-proxy') && /Status: +Running/.test(text),
    );
    expect(pod).toMatch(/Node: +embedded/);
    expect(pod).toMatch(/Status: +Running/);
    expect(pod).toContain('opencode-server:');
    expect(pod).toMatch(/Normal +Scheduled .*default-scheduler +Successfully assigned opencode\/described to embedded/);
    // Since version 1.35 kubectl prints the part of the object before the message.
    expect(pod).toMatch(
      /Normal +Started .*kubelet +(?:spec\.containers\{session-proxy\}: )?Started container session-proxy/,
    );
    const claim = await kubectl('describe', 'pvc', 'described-workspace');
    expect(claim).toMatch(/Status: +Bound/);
    expect(claim).toMatch(/Used By: +described/);
    const events = await kubectl('get', 'events', '--field-selector', 'involvedObject.name=described');
    expect(events.split('\n')[0]?.trim().split(/ {2,}/)).toEqual(['LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE']);
    expect(events).toMatch(/Normal +Scheduled +pod\/described/);
  });

  it('prints logs, follows them, and says that they are simulated', async () => {
    await createPod('logged');
    await kubectl('wait', '--for=condition=Ready', 'pod/logged', '--timeout=10s');
    const log = await kubectl('logs', 'logged', '-c', 'file-browser');
    expect(log).toContain('no container runs');
    expect(log).toContain('listening on 0.0.0.0:3001');
    expect((await kubectl('logs', 'logged', '-c', 'file-browser', '--tail=1')).trim().split('\n')).toHaveLength(1);
    const follow = spawn(program, ['logs', '-f', 'logged', '-c', 'session-proxy'], { env: environment });
    let output = '';
    follow.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    const ended = new Promise<void>((resolve) => void follow.once('exit', () => resolve()));
    await eventually(
      async () => await Promise.resolve(output),
      (text) => text.includes('listening on 0.0.0.0:3002'),
    );
    await kubectl('delete', 'pod', 'logged');
    await ended;
  });

  it('labels, patches and applies objects', async () => {
    await createPod('changed');
    await kubectl('label', 'pod', 'changed', 'mood=good');
    await kubectl('patch', 'pod', 'changed', '-p', '{"metadata":{"annotations":{"note":"here"}}}');
    expect(
      await kubectl('get', 'pod', 'changed', '-o', 'jsonpath={.metadata.labels.mood} {.metadata.annotations.note}'),
    ).toBe('good here');
    const file = await write('applied.json', podManifest('applied'));
    expect(await kubectl('apply', '-f', file)).toContain('pod/applied created');
    await write('applied.json', podManifest('applied', { image: 'registry.example.com/opencode:v2' }));
    expect(await kubectl('apply', '-f', file)).toContain('pod/applied configured');
    expect(await kubectl('get', 'pod', 'applied', '-o', 'jsonpath={.spec.containers[0].image}')).toBe(
      'registry.example.com/opencode:v2',
    );
  });

  it('deletes objects and waits until they are gone', async () => {
    await createPod('deleted');
    await kubectl('wait', '--for=condition=Ready', 'pod/deleted', '--timeout=10s');
    expect(await kubectl('delete', 'pod', 'deleted')).toContain('pod "deleted" deleted');
    expect(await kubectl('delete', 'pvc', 'deleted-workspace')).toContain(
      'persistentvolumeclaim "deleted-workspace" deleted',
    );
    await expect(kubectl('get', 'pod', 'deleted')).rejects.toThrow('pods "deleted" not found');
  });

  it('shows the reason why a pod does not run', async () => {
    await createPod('broken', { image: 'registry.example.com/team/not-found:v1' });
    const output = await eventually(
      async () => await kubectl('get', 'pod', 'broken'),
      (text) => text.includes('ImagePullBackOff'),
    );
    expect(output).toMatch(/broken +2\/3 +ImagePullBackOff/);
  });

  it('prints the invalid field of a refused object', async () => {
    const manifest = podManifest('Not_A_Name');
    await expect(kubectl('create', '-f', await write('wrong.json', manifest))).rejects.toThrow(
      /metadata\.name: Invalid value/,
    );
  });
});

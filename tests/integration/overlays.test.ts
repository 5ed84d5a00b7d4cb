/** The manifests under k8s/, as kubectl builds them and as a real kube-apiserver takes them. */

import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { dumpYaml, loadAllYaml, type V1ConfigMap, type V1PodSpec, type V1Secret } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { readServerConfig } from '../../src/server/config.ts';
import { readWorkerConfig } from '../../src/worker/config.ts';
import { startKubeApiserver, type KubeApiserver } from '../support/kube-apiserver.ts';

const assetsDir = process.env['KUBEBUILDER_ASSETS'] ?? '';
const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0;
const folder = (overlay: string) => fileURLToPath(new URL(`../../k8s/overlays/${overlay}`, import.meta.url));
const overlays = ['kind', 'production'] as const;

interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
  spec?: { template?: { spec: V1PodSpec } };
}

const print = (overlay: string) => execFileSync('kubectl', ['kustomize', folder(overlay)], { encoding: 'utf8' });
const build = (overlay: string) => loadAllYaml(print(overlay)) as Manifest[]; // kustomize prints nothing else

/** What the pod security level `restricted` would say about a pod. */
function violations({ securityContext: pod, containers, initContainers = [], ...spec }: V1PodSpec): string[] {
  const allowed = new Set([
    'configMap',
    'csi',
    'downwardAPI',
    'emptyDir',
    'ephemeral',
    'persistentVolumeClaim',
    'projected',
    'secret',
  ]);
  const ofPod = [
    ...(spec.hostNetwork || spec.hostPID || spec.hostIPC ? ['host namespaces'] : []),
    ...(spec.volumes ?? []).flatMap((volume) =>
      Object.keys(volume).filter((key) => key !== 'name' && !allowed.has(key)),
    ),
  ];
  return [...initContainers, ...containers].reduce((all, { name, ports = [], securityContext: own }) => {
    const wrong = {
      'runs as root': !(own?.runAsNonRoot ?? pod?.runAsNonRoot) || (own?.runAsUser ?? pod?.runAsUser) === 0,
      'no seccomp profile': (own?.seccompProfile ?? pod?.seccompProfile)?.type !== 'RuntimeDefault',
      'may gain privileges': own?.allowPrivilegeEscalation !== false || own.privileged === true,
      'keeps capabilities':
        own?.capabilities?.drop?.includes('ALL') !== true || (own.capabilities.add ?? []).length > 0,
      'host ports': ports.some(({ hostPort }) => hostPort !== undefined),
    };
    return [...all, ...Object.entries(wrong).flatMap(([what, is]) => (is ? [`${name}: ${what}`] : []))];
  }, ofPod);
}

describe.skipIf(!hasKubectl)('the overlays', () => {
  it.each(overlays)('%s: every pod passes the restricted pod security level', (overlay) => {
    const specs = build(overlay).flatMap(({ spec }) => (spec?.template ? [spec.template.spec] : []));
    expect(specs.length).toBeGreaterThanOrEqual(3);
    expect(specs.flatMap(violations)).toEqual([]);
  });

  it.each(overlays)('%s: only the worker has a token for the cluster', (overlay) => {
    const withToken = build(overlay).flatMap(({ metadata, spec }) =>
      spec?.template && spec.template.spec.automountServiceAccountToken !== false ? [metadata.name] : [],
    );
    expect(withToken).toEqual(['worker']);
  });

  it.each(overlays)('%s: server and worker read from it a configuration without a mistake', (overlay) => {
    const manifests = build(overlay);
    const find = (kind: string, prefix: string) =>
      manifests.find((each) => each.kind === kind && each.metadata.name.startsWith(prefix)) as unknown;
    const config = (find('ConfigMap', 'opencode-config') as V1ConfigMap).data;
    const secret = find('Secret', 'opencode-secrets') as V1Secret | undefined;
    // In production the administrator makes it; the runbook names these four.
    const made = {
      DATABASE_URL: 'postgresql://db.example.com/opencode',
      REDIS_URL: 'rediss://redis.example.com',
      SESSION_SECRET: 'x'.repeat(40),
      OIDC_CLIENT_SECRET: 'secret',
    };
    const secrets = secret
      ? Object.fromEntries(Object.entries(secret.data ?? {}).map(([name, value]) => [name, atob(value)]))
      : made;
    expect(Object.keys(secrets).toSorted()).toEqual(Object.keys(made).toSorted());
    const env = { ...config, ...secrets };
    expect(readServerConfig(env)).toMatchObject({ kubeNamespace: 'opencode', port: 3080 });
    expect(readWorkerConfig(env)).toMatchObject({ namespace: 'opencode', metricsPort: 3081 });
  });

  it('in production no image, address or secret of development is left', () => {
    const text = JSON.stringify(build('production'));
    expect(text).not.toMatch(/development|localhost|keycloak|"image":"opencode-project-manager/);
  });

  it('name no Kubernetes object that they do not bring, but the Secret of the administrator', () => {
    for (const overlay of overlays) {
      const manifests = build(overlay);
      const names = new Set(manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`));
      const text = JSON.stringify(manifests.map(({ spec }) => spec));
      const asked = [
        ...[...text.matchAll(/"configMap(?:Ref|KeyRef)?":\{"name":"([^"]+)"/g)].map(([, name]) => `ConfigMap ${name}`),
        ...[...text.matchAll(/"secret(?:Ref|KeyRef)":\{[^}]*"name":"([^"]+)"/g)].map(([, name]) => `Secret ${name}`),
        ...[...text.matchAll(/"serviceAccountName":"([^"]+)"/g)].map(([, name]) => `ServiceAccount ${name}`),
      ];
      expect(asked.length).toBeGreaterThan(3);
      const absent = new Set(asked.filter((name) => !names.has(name)));
      expect([...absent]).toEqual(overlay === 'production' ? ['Secret opencode-secrets'] : []);
    }
  });
});

describe.skipIf(!hasKubectl || assetsDir === '')('the overlays on a real kube-apiserver', { timeout: 60_000 }, () => {
  let apiserver: KubeApiserver;
  const kubectl = (args: string[], input?: string) =>
    spawnSync('kubectl', ['--kubeconfig', apiserver.kubeconfigPath, ...args], { input, encoding: 'utf8' });

  beforeAll(async () => {
    apiserver = await startKubeApiserver({ assetsDir });
    // Made for real: a dry run makes none, and the rest lies in them.
    for (const name of ['opencode-system', 'opencode']) {
      expect(
        kubectl(['create', '-f', '-'], dumpYaml({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
      ).toMatchObject({ status: 0 });
    }
  });
  afterAll(() => apiserver.stop());

  it.each(overlays)('%s: each object is taken, and no field is unknown to it', (overlay) => {
    // This API is older than policy/v1 and knows the same object as v1beta1.
    const text = print(overlay).replaceAll(/^apiVersion: policy\/v1$/gm, 'apiVersion: policy/v1beta1');
    const { status, stdout, stderr } = kubectl(['apply', '--dry-run=server', '--validate=strict', '-f', '-'], text);
    expect({ status, stderr: stderr.replaceAll(/Warning: resource namespaces.*\n/g, '') }).toEqual({
      status: 0,
      stderr: '',
    });
    expect(stdout.trim().split('\n')).toHaveLength(build(overlay).length);
  });
});

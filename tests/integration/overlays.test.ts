/** The manifests under k8s/, as kubectl builds them and as a real kube-apiserver accepts them. */

import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { dumpYaml, loadAllYaml, type V1ConfigMap, type V1PodSpec, type V1Secret } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { readGatewayConfig } from '../../src/gateway/config.ts';
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

const printed = new Map<string, string>();
function print(overlay: string): string {
  const text = printed.get(overlay) ?? execFileSync('kubectl', ['kustomize', folder(overlay)], { encoding: 'utf8' });
  printed.set(overlay, text);
  return text;
}
const build = (overlay: string) => loadAllYaml(print(overlay)) as Manifest[]; // kustomize prints only manifests

/** The rules of the pod security level `restricted` that a pod violates. */
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
  return [...initContainers, ...containers].reduce((all, { name, ports = [], securityContext: container }) => {
    const violated = {
      'runs as root': !(container?.runAsNonRoot ?? pod?.runAsNonRoot) || (container?.runAsUser ?? pod?.runAsUser) === 0,
      'no seccomp profile': (container?.seccompProfile ?? pod?.seccompProfile)?.type !== 'RuntimeDefault',
      'may gain privileges': container?.allowPrivilegeEscalation !== false || container.privileged === true,
      'keeps capabilities':
        container?.capabilities?.drop?.includes('ALL') !== true || (container.capabilities.add ?? []).length > 0,
      'host ports': ports.some(({ hostPort }) => hostPort !== undefined),
    };
    return [
      ...all,
      ...Object.entries(violated).flatMap(([rule, isViolated]) => (isViolated ? [`${name}: ${rule}`] : [])),
    ];
  }, ofPod);
}

describe.skipIf(!hasKubectl)('the overlays', () => {
  it.each(overlays)('every pod of %s conforms to the restricted pod security level', (overlay) => {
    const specs = build(overlay).flatMap(({ spec }) => (spec?.template ? [spec.template.spec] : []));
    expect(specs.length).toBeGreaterThanOrEqual(3);
    expect(specs.flatMap(violations)).toEqual([]);
  });

  it.each(overlays)('only the worker of %s has a token for the cluster', (overlay) => {
    const withToken = build(overlay).flatMap(({ metadata, spec }) =>
      spec?.template && spec.template.spec.automountServiceAccountToken !== false ? [metadata.name] : [],
    );
    expect(withToken).toEqual(['worker']);
  });

  it.each(overlays)('server, gateway and worker accept the configuration of %s', (overlay) => {
    const manifests = build(overlay);
    const find = (kind: string, prefix: string) =>
      manifests.find((each) => each.kind === kind && each.metadata.name.startsWith(prefix)) as unknown;
    const config = (find('ConfigMap', 'opencode-config') as V1ConfigMap).data;
    const secret = find('Secret', 'opencode-secrets') as V1Secret | undefined;
    // In production an administrator creates the Secret; the runbook names these six fields.
    const production = {
      DATABASE_URL: 'postgresql://db.example.com/opencode',
      REDIS_URL: 'rediss://redis.example.com',
      SESSION_SECRET: 'x'.repeat(40),
      ACCESS_SECRET: 'y'.repeat(40),
      KEY_ENCRYPTION_SECRET: 'z'.repeat(40),
      OIDC_CLIENT_SECRET: 'secret',
    };
    const secrets = secret
      ? Object.fromEntries(Object.entries(secret.data ?? {}).map(([name, value]) => [name, atob(value)]))
      : production;
    expect(Object.keys(secrets).toSorted()).toEqual(Object.keys(production).toSorted());
    const env = { ...config, ...secrets };
    expect(readServerConfig(env)).toMatchObject({ kubeNamespace: 'opencode', port: 3080 });
    expect(readGatewayConfig(env)).toMatchObject({ port: 3082 });
    expect(readWorkerConfig(env)).toMatchObject({ namespace: 'opencode', metricsPort: 3081 });
  });

  it('production contains no image, address or secret of development', () => {
    const text = JSON.stringify(build('production'));
    expect(text).not.toMatch(/development|localhost|keycloak|"image":"opencode-project-manager/);
  });

  it('each overlay contains every object that it refers to, except the Secret that an administrator creates', () => {
    for (const overlay of overlays) {
      const manifests = build(overlay);
      const names = new Set(manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`));
      const text = JSON.stringify(manifests.map(({ spec }) => spec));
      const references = [
        ...[...text.matchAll(/"configMap(?:Ref|KeyRef)?":\{"name":"([^"]+)"(?!,"optional":true)/g)].map(
          ([, name]) => `ConfigMap ${name}`,
        ),
        ...[...text.matchAll(/"secret(?:Ref|KeyRef)":\{[^}]*"name":"([^"]+)"/g)].map(([, name]) => `Secret ${name}`),
        ...[...text.matchAll(/"serviceAccountName":"([^"]+)"/g)].map(([, name]) => `ServiceAccount ${name}`),
      ];
      expect(references.length).toBeGreaterThan(3);
      const missing = new Set(references.filter((name) => !names.has(name)));
      expect([...missing]).toEqual(overlay === 'production' ? ['Secret opencode-secrets'] : []);
    }
  });
});

describe.skipIf(!hasKubectl || assetsDir === '')('the overlays on a real kube-apiserver', { timeout: 60_000 }, () => {
  let apiserver: KubeApiserver;
  const kubectl = (args: string[], input?: string) =>
    spawnSync('kubectl', ['--kubeconfig', apiserver.kubeconfigPath, ...args], { input, encoding: 'utf8' });

  beforeAll(async () => {
    apiserver = await startKubeApiserver({ assetsDir });
    // A dry run creates no namespaces, and the other objects need them.
    for (const name of ['opencode-system', 'opencode']) {
      expect(
        kubectl(['create', '-f', '-'], dumpYaml({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
      ).toMatchObject({ status: 0 });
    }
  });
  afterAll(() => apiserver.stop());

  it.each(overlays)('the API accepts every object of %s and knows every field', (overlay) => {
    const args = ['apply', '--dry-run=server', '--validate=strict', '-f', '-'];
    const { status, stdout, stderr } = kubectl(args, print(overlay));
    expect({ status, stderr: stderr.replaceAll(/Warning: resource namespaces.*\n/g, '') }).toEqual({
      status: 0,
      stderr: '',
    });
    expect(stdout.trim().split('\n')).toHaveLength(build(overlay).length);
  });
});

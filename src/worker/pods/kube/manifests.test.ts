import { describe, expect, it } from 'vitest';

import { recordFixture } from '../../../../tests/support/project-fixture.ts';
import { testSizesText } from '../../../../tests/support/sizes.ts';
import type { PublishedProvider } from '../../../shared/node/models/model-catalogue.ts';
import { configFilesOf } from '../../../shared/opencode/config-files.ts';
import { readWorkerConfig } from '../../config.ts';
import { accessSecretManifest, claimManifest, podManifest } from './manifests.ts';

const environment = { DATABASE_URL: 'postgresql://localhost/test', REDIS_URL: 'redis://localhost' };
const settingsOf = (variables: Record<string, string> = {}) => ({
  ...readWorkerConfig({ ...environment, ...variables }).pod,
  installationId: 'this-installation',
  accessKeyId: '0a1b2c3d',
});

const project = recordFixture({ generation: 4, repoUrl: 'https://example.org/team/repo.git' });
const pod = podManifest(project, settingsOf());
const containers = pod.spec?.containers ?? [];

const expectedLabels = {
  app: 'opencode-project',
  'project-id': project.id,
  'app.kubernetes.io/name': 'opencode-project',
  'app.kubernetes.io/instance': project.id,
  'app.kubernetes.io/component': 'workspace',
  'app.kubernetes.io/part-of': 'opencode-project-manager',
  'app.kubernetes.io/managed-by': 'opencode-project-manager',
};

describe('podManifest', () => {
  it('has the committed name, the labels and the generation of the project', () => {
    expect(pod.metadata).toEqual({
      name: project.podName,
      namespace: 'opencode',
      labels: expectedLabels,
      annotations: {
        'opencode-project-manager/generation': '4',
        'opencode-project-manager/installation': 'this-installation',
        'opencode-project-manager/access-key-id': '0a1b2c3d',
      },
    });
    expect(Object.values(expectedLabels).every((value) => /^[\w.-]{1,63}$/.test(value))).toBe(true);
  });

  it('has three containers, each on its port', () => {
    expect(containers.map(({ name, ports }) => [name, ports?.map((port) => port.containerPort)])).toEqual([
      ['opencode-server', [3000]],
      ['file-browser', [3001]],
      ['session-proxy', [3002]],
    ]);
    for (const port of containers.flatMap(({ ports }) => ports ?? [])) expect(port.name).toMatch(/^[a-z-]{1,15}$/);
  });

  it('probes the health endpoint of OpenCode', () => {
    const [{ livenessProbe, readinessProbe, startupProbe } = {}] = containers;
    for (const probe of [livenessProbe, readinessProbe, startupProbe]) {
      expect(probe?.exec?.command?.join(' ')).toContain('http://${POD_IP:-127.0.0.1}:3000/global/health');
    }
  });

  it('passes each container only the credentials that it needs', () => {
    const name = `access-${project.id}-0a1b2c3d`;
    const secretKeyRef = { name, key: 'opencode' };
    expect(containers[0]?.env).toContainEqual({ name: 'OPENCODE_SERVER_PASSWORD', valueFrom: { secretKeyRef } });
    const needed = { 'file-browser': ['sidecar'], 'session-proxy': ['sidecar', 'opencode', 'models'] };
    for (const [container, purposes] of Object.entries(needed)) {
      expect(containers.find((each) => each.name === container)?.volumeMounts).toContainEqual({
        name: `${container}-access`,
        mountPath: '/var/run/opencode-access',
        readOnly: true,
      });
      const items = purposes.map((key) => ({ key, path: key }));
      expect(pod.spec?.volumes).toContainEqual({
        name: `${container}-access`,
        secret: { secretName: name, defaultMode: 0o440, items },
      });
    }
  });

  it('has a secret for each key, which is deleted with the claim', () => {
    const credentials = { opencode: 'o', sidecar: 's', models: 'm' };
    expect(accessSecretManifest(project, { claimUid: 'u1', settings: settingsOf(), credentials })).toMatchObject({
      metadata: {
        name: `access-${project.id}-0a1b2c3d`,
        labels: expectedLabels,
        ownerReferences: [{ kind: 'PersistentVolumeClaim', name: project.workspacePvcName, uid: 'u1' }],
      },
      stringData: credentials,
      immutable: true,
    });
  });

  it.each([
    ['file-browser', '/healthz', 3001],
    ['session-proxy', '/healthz', 3002],
  ])('uses the health page of %s for liveness and readiness', (name, path, port) => {
    const container = containers.find((each) => each.name === name);
    expect(container?.livenessProbe?.httpGet).toEqual({ path, port });
    expect(container?.readinessProbe?.httpGet).toEqual({ path, port });
  });

  it('gives OpenCode two minutes to start before the other probes begin', () => {
    const probe = containers[0]?.startupProbe;
    expect((probe?.periodSeconds ?? 0) * (probe?.failureThreshold ?? 0)).toBe(120);
  });

  it('clones the repository before any container runs, with the resources of OpenCode', () => {
    const [clone, ...others] = pod.spec?.initContainers ?? [];
    expect(others).toEqual([]);
    expect(clone).toMatchObject({
      name: 'clone-repository',
      image: containers[0]?.image,
      resources: containers[0]?.resources,
      volumeMounts: [{ name: 'workspace', mountPath: '/workspace' }],
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    });
    expect(clone?.env).toContainEqual({ name: 'REPO_URL', value: 'https://example.org/team/repo.git' });
  });

  describe('with the model broker', () => {
    const settings = settingsOf({
      ACCESS_SECRET: 'x'.repeat(32),
      MODEL_BROKER_URL: 'http://gateway.opencode-system:3083',
      OPENCODE_CONFIG_MAP: 'company-config',
    });
    const model = { id: 'm$1', name: 'M', contextTokens: 1_000, outputTokens: 100, price: null };
    const providers: PublishedProvider[] = [
      { id: 'anthropic', name: 'Anthropic', kind: 'anthropic', models: [], hasInstallationKey: true },
      { id: 'own', name: 'Own', kind: 'openai-compatible', models: [model], hasInstallationKey: false },
    ];
    const variablesOf = (container: { env?: { name: string; value?: string }[] } | undefined) =>
      Object.fromEntries((container?.env ?? []).map(({ name, value }) => [name, value]));

    it('tells OpenCode its own address in place of those of the providers, and no key', () => {
      const { spec } = podManifest(project, settings, { files: configFilesOf(null, providers) });
      const text = variablesOf(spec?.initContainers?.[0])['PROJECT_CONFIG']?.replaceAll('$$', '$') ?? '';
      const options = (id: string) => ({
        baseURL: `http://this-pod.invalid:3002/llm/${id}`,
        apiKey: '{env:OPENCODE_SERVER_PASSWORD}',
      });
      expect(JSON.parse(text)).toMatchObject({
        provider: {
          anthropic: { options: options('anthropic') },
          own: { options: options('own'), models: { m$1: { limit: { context: 1_000, output: 100 } } } },
        },
      });
      const openCode = spec?.containers[0];
      expect(openCode?.volumeMounts).toContainEqual(expect.objectContaining({ mountPath: '/etc/opencode' }));
      const passage = { PROJECT_ID: project.id, MODEL_BROKER_URL: 'http://gateway.opencode-system:3083' };
      expect(variablesOf(spec?.containers[2])).toMatchObject(passage);
      expect(variablesOf(openCode)).not.toHaveProperty('MODEL_BROKER_URL');
    });

    it('lets what the person has saved about a provider win', () => {
      const document = '{"model":"own/m$1","provider":{"own":{"options":{"timeout":1}},"mine":{}}}';
      const { config } = configFilesOf({ version: 1, document, rules: '' }, providers);
      expect(JSON.parse(config)).toMatchObject({
        model: 'own/m$1',
        provider: {
          anthropic: {},
          own: { name: 'Own', options: { apiKey: expect.any(String), timeout: 1 } },
          mine: {},
        },
      });
    });

    it('is not there without ACCESS_SECRET', () => {
      const off = podManifest(project, settingsOf({ MODEL_BROKER_URL: 'http://gateway:3083' }));
      expect(variablesOf(off.spec?.containers[2])).toEqual(variablesOf(containers[2]));
    });
  });

  it('prepares the workspace also when there is no repository to clone', () => {
    const [prepare, ...others] = podManifest({ ...project, repoUrl: null }, settingsOf()).spec?.initContainers ?? [];
    expect(others).toEqual([]);
    expect(prepare?.name).toBe('prepare-workspace');
    expect(prepare?.env).toContainEqual({ name: 'HOME', value: '/workspace/.home' });
    expect(prepare?.env?.map(({ name }) => name)).not.toContain('REPO_URL');
  });

  it('contains no variable that the kubelet would replace in the repository URL or in the clone script', () => {
    const { spec } = podManifest({ ...project, repoUrl: 'https://example.org/$(PROJECT_ID)/$HOME' }, settingsOf());
    const clone = spec?.initContainers?.[0];
    const given = [...(clone?.command ?? []), ...(clone?.env ?? []).map(({ value }) => value ?? '')].join(' ');
    expect(given).toContain('https://example.org/$$(PROJECT_ID)/$$HOME');
    expect(given.replaceAll('$$', '')).not.toContain('$');
    const env = spec?.containers[0]?.env ?? [];
    expect(env).toContainEqual({ name: 'REPO_URL', value: 'https://example.org/$$(PROJECT_ID)/$$HOME' });
  });

  it('mounts the claim of the project at /workspace in every container', () => {
    expect(pod.spec?.volumes).toContainEqual({
      name: 'workspace',
      persistentVolumeClaim: { claimName: project.workspacePvcName },
    });
    for (const { volumeMounts } of containers) {
      expect(volumeMounts).toContainEqual({ name: 'workspace', mountPath: '/workspace' });
    }
  });

  it('works in the project folder and keeps the home outside of it', () => {
    const [openCode, files] = containers;
    expect(openCode?.workingDir).toBe('/workspace/project');
    expect(openCode?.env).toContainEqual({ name: 'HOME', value: '/workspace/.home' });
    expect(files?.env).toContainEqual({ name: 'WORKSPACE', value: '/workspace/project' });
  });

  it('limits the CPU and memory of each container', () => {
    expect(containers.map(({ resources }) => resources)).toEqual([
      { limits: { cpu: '1', memory: '2Gi' }, requests: { cpu: '100m', memory: '512Mi' } },
      { limits: { cpu: '500m', memory: '256Mi' }, requests: { cpu: '25m', memory: '32Mi' } },
      { limits: { cpu: '200m', memory: '128Mi' }, requests: { cpu: '25m', memory: '32Mi' } },
    ]);
  });

  it('passes the project id and the repository to OpenCode and puts its home on the volume', () => {
    expect(containers[0]?.env).toEqual([
      { name: 'PROJECT_ID', value: project.id },
      { name: 'HOME', value: '/workspace/.home' },
      { name: 'npm_config_fetch_retry_mintimeout', value: '500' },
      { name: 'npm_config_fetch_retry_maxtimeout', value: '2000' },
      { name: 'REPO_URL', value: 'https://example.org/team/repo.git' },
      { name: 'OPENCODE_CONFIG', value: '/workspace/.home/.project-manager/opencode.json' },
      expect.objectContaining({ name: 'OPENCODE_SERVER_PASSWORD' }),
    ]);
    const without = podManifest(recordFixture({ repoUrl: null }), settingsOf());
    expect(without.spec?.containers[0]?.env?.map(({ name }) => name)).toEqual([
      'PROJECT_ID',
      'HOME',
      'npm_config_fetch_retry_mintimeout',
      'npm_config_fetch_retry_maxtimeout',
      'OPENCODE_CONFIG',
      'OPENCODE_SERVER_PASSWORD',
    ]);
  });

  // Field by field: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
  it('passes the restricted pod security level', () => {
    const spec = pod.spec;
    expect([spec?.hostNetwork, spec?.hostPID, spec?.hostIPC]).toEqual([undefined, undefined, undefined]);
    expect(spec?.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 1000,
      fsGroup: 1000,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(spec?.securityContext?.sysctls).toBeUndefined();
    const allowedVolumes = ['name', 'configMap', 'emptyDir', 'persistentVolumeClaim', 'secret', 'projected'];
    for (const volume of spec?.volumes ?? [])
      expect(allowedVolumes).toEqual(expect.arrayContaining(Object.keys(volume)));
    for (const { securityContext, ports } of [...(spec?.initContainers ?? []), ...containers]) {
      expect(securityContext).toEqual({ allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } });
      expect(ports?.some((port) => port.hostPort !== undefined) ?? false).toBe(false);
    }
  });

  it('names the request that caused the pod, if there is one', () => {
    const annotations = podManifest(project, settingsOf(), { requestId: 'request-1' }).metadata?.annotations;
    expect(annotations).toEqual({ ...pod.metadata?.annotations, 'opencode-project-manager/request-id': 'request-1' });
  });

  it('gets no credentials and no service addresses from the cluster', () => {
    expect(pod.spec).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
  });

  it('takes images, pull policy, secrets, resources and configuration from the settings', () => {
    const configured = podManifest(
      project,
      settingsOf({
        OPENCODE_IMAGE: 'registry.example.com/opencode:2',
        FILE_BROWSER_IMAGE: 'registry.example.com/files:2',
        SESSION_PROXY_IMAGE: 'registry.example.com/proxy:2',
        IMAGE_PULL_POLICY: 'Always',
        IMAGE_PULL_SECRETS: 'first, second',
        OPENCODE_MEMORY_LIMIT: '3Gi',
        OPENCODE_CONFIG_MAP: 'opencode-config',
      }),
    ).spec;
    expect(configured?.containers.map(({ image, imagePullPolicy }) => [image, imagePullPolicy])).toEqual([
      ['registry.example.com/opencode:2', 'Always'],
      ['registry.example.com/files:2', 'Always'],
      ['registry.example.com/proxy:2', 'Always'],
    ]);
    expect(configured?.imagePullSecrets).toEqual([{ name: 'first' }, { name: 'second' }]);
    expect(configured?.containers[0]?.resources?.limits).toEqual({ cpu: '1', memory: '3Gi' });
    expect(configured?.volumes).toContainEqual({ name: 'opencode-config', configMap: { name: 'opencode-config' } });
    expect(configured?.containers[0]?.volumeMounts).toContainEqual({
      name: 'opencode-config',
      mountPath: '/etc/opencode',
      readOnly: true,
    });
  });

  it('gives OpenCode the configuration of the project as a file that files of the repository win over', () => {
    const saved = { version: 3, document: '{"model":"a/$(HOME)"}', rules: 'Be kind.' };
    const { spec } = podManifest(project, settingsOf(), { files: configFilesOf(saved) });
    expect(spec?.containers[0]?.env).toContainEqual({
      name: 'OPENCODE_CONFIG',
      value: '/workspace/.home/.project-manager/opencode.json',
    });
    const values = Object.fromEntries(spec?.initContainers?.[0]?.env?.map(({ name, value }) => [name, value]) ?? []);
    expect(values).toMatchObject({ PROJECT_RULES: 'Be kind.', PROJECT_CONFIG_VERSION: '3' });
    // Kubernetes turns "$$" into "$", and expands nothing.
    expect(JSON.parse(values['PROJECT_CONFIG']?.replaceAll('$$', '$') ?? '')).toEqual({
      $schema: 'https://opencode.ai/config.json',
      model: 'a/$(HOME)',
      instructions: ['~/.project-manager/rules.md'],
    });
  });
});

describe('in an installation with sizes', () => {
  const settings = settingsOf({ PROJECT_SIZES: testSizesText, OPENCODE_MEMORY_LIMIT: '3Gi', WORKSPACE_SIZE: '1Gi' });
  const memoryOf = (size: string | null) => {
    const { spec } = podManifest({ ...project, size }, settings);
    return [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].map(
      ({ resources }) => resources?.limits?.['memory'],
    );
  };

  it('OpenCode and the step before it get what the size has, and the sidecars stay as they are', () => {
    expect(memoryOf('S')).toEqual(['2Gi', '256Mi', '128Mi', '2Gi']);
    expect(memoryOf('L')).toEqual(['8Gi', '256Mi', '128Mi', '8Gi']);
  });

  it('a project without a size, or with one that is gone, gets the default', () => {
    expect(memoryOf(null)).toEqual(memoryOf('M'));
    expect(memoryOf('XL')).toEqual(memoryOf('M'));
  });

  it('the volume is as large as when the project was created, whatever its size is now', () => {
    const storageOf = (changes: { size: string | null; storage: string | null }) =>
      claimManifest({ ...project, ...changes }, settings).spec?.resources?.requests?.['storage'];
    expect(storageOf({ size: 'L', storage: '5Gi' })).toBe('5Gi');
    expect(storageOf({ size: 'L', storage: null })).toBe('10Gi');
  });
});

it('the clone step, and no other container, gets the authorities of GIT_CA_CONFIG_MAP', () => {
  const { spec } = podManifest(project, settingsOf({ GIT_CA_CONFIG_MAP: 'company-ca' }));
  expect(spec?.volumes).toContainEqual({ name: 'git-ca', configMap: { name: 'company-ca' } });
  const mount = { name: 'git-ca', mountPath: '/etc/git-ca', readOnly: true };
  expect(spec?.initContainers?.[0]?.volumeMounts).toContainEqual(mount);
  for (const { volumeMounts } of spec?.containers ?? []) expect(volumeMounts).not.toContainEqual(mount);
});

describe('claimManifest', () => {
  it('requests one volume of one gibibyte of the default storage class, for one node', () => {
    expect(claimManifest(project, settingsOf())).toEqual({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: {
        name: project.workspacePvcName,
        namespace: 'opencode',
        labels: expectedLabels,
        annotations: { 'opencode-project-manager/installation': 'this-installation' },
      },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    });
  });

  it('takes size and storage class from the settings', () => {
    const settings = settingsOf({ WORKSPACE_SIZE: '20Gi', WORKSPACE_STORAGE_CLASS: 'fast' });
    expect(claimManifest(project, settings).spec).toMatchObject({
      resources: { requests: { storage: '20Gi' } },
      storageClassName: 'fast',
    });
  });
});

import { describe, expect, it } from 'vitest';

import { podTemplateExample } from '../../../../tests/support/pod-template-example.ts';
import { recordFixture } from '../../../../tests/support/project-fixture.ts';
import { ConfigurationError } from '../../../shared/node/environment.ts';
import { readWorkerConfig } from '../../config.ts';
import { podManifest } from './manifests.ts';

const environment = { DATABASE_URL: 'postgresql://localhost/test', REDIS_URL: 'redis://localhost' };
const identity = { installationId: 'this-installation', accessKeyId: '0a1b2c3d' };
const settingsWith = (template: string) => ({
  ...readWorkerConfig({ ...environment, POD_TEMPLATE: template }).pod,
  ...identity,
});
const project = recordFixture({ repoUrl: 'https://example.org/team/repo.git' });
const podWith = (template: object) => podManifest(project, settingsWith(JSON.stringify(template)));
const plain = podManifest(project, { ...readWorkerConfig(environment).pod, ...identity });

function problemsOf(template: object | string): string[] {
  try {
    settingsWith(typeof template === 'string' ? template : JSON.stringify(template));
  } catch (error) {
    if (error instanceof ConfigurationError) return [...error.problems];
    throw error;
  }
  return [];
}

describe('a pod template', () => {
  it('is added to the pod, which keeps everything of its own', () => {
    const pod = podManifest(project, settingsWith(podTemplateExample()));
    expect(pod.metadata?.labels).toEqual({ ...plain.metadata?.labels, 'example.com/cost-center': 'research' });
    expect(pod.spec).toMatchObject({
      nodeSelector: { 'example.com/pool': 'workspaces' },
      tolerations: [{ key: 'example.com/workspaces', operator: 'Exists', effect: 'NoSchedule' }],
      topologySpreadConstraints: [{ maxSkew: 1, labelSelector: { matchLabels: { app: 'opencode-project' } } }],
      imagePullSecrets: [{ name: 'registry' }],
    });
    const [own, added] = [plain, pod].map(({ spec }) => [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])]);
    for (const [index, container] of (own ?? []).entries()) {
      const { env = [], volumeMounts = [], image, resources, securityContext } = container;
      expect(added?.[index]).toMatchObject({ image, resources, securityContext });
      expect(added?.[index]?.env?.slice(0, env.length)).toEqual(env);
      expect(added?.[index]?.volumeMounts?.slice(0, volumeMounts.length)).toEqual(volumeMounts);
    }
    expect(added?.[0]?.env?.at(-1)).toEqual({ name: 'HTTPS_PROXY', value: 'http://proxy.example.com:3128' });
    expect(added?.[1]?.volumeMounts?.at(-1)).toMatchObject({ mountPath: '/opt/company' });
    expect(pod.spec?.volumes?.slice(0, plain.spec?.volumes?.length)).toEqual(plain.spec?.volumes);
  });

  it('reaches the container that prepares the volume, with and without a repository', () => {
    const template = JSON.stringify({ spec: { containers: [{ name: 'clone', env: [{ name: 'CI', value: '1' }] }] } });
    for (const repoUrl of [null, 'https://example.org/a']) {
      const { spec } = podManifest(recordFixture({ repoUrl }), settingsWith(template));
      expect(spec?.initContainers?.[0]?.env).toContainEqual({ name: 'CI', value: '1' });
    }
  });

  it('may be empty, and adds nothing then', () => {
    expect(podWith({})).toEqual(plain);
  });

  it('leaves the security of the pod as it is', () => {
    const { securityContext, automountServiceAccountToken } =
      podWith({ spec: { serviceAccountName: 'team' } }).spec ?? {};
    expect({ securityContext, automountServiceAccountToken }).toMatchObject({
      securityContext: plain.spec?.securityContext,
      automountServiceAccountToken: false,
    });
  });
});

describe('a pod template is refused at start', () => {
  const inContainer = (fields: object) => ({
    spec: { volumes: [{ name: 'own', emptyDir: {} }], containers: [{ name: 'opencode-server', ...fields }] },
  });
  const mountAt = (mountPath: string) => inContainer({ volumeMounts: [{ name: 'own', mountPath }] });
  const volume = (fields: object) => ({ spec: { volumes: [{ name: 'own', ...fields }] } });
  const refused: [string, object | string, RegExp][] = [
    ['that is no YAML', 'spec: [', /is not YAML/],
    ['that is a list', '- spec', /object/],
    ['with a field that Kubernetes does not have', { spec: { nodeSelectors: {} } }, /spec: .*nodeSelectors/],
    ['with the network of the node', { spec: { hostNetwork: true } }, /spec: .*hostNetwork/],
    ['with another security context', { spec: { securityContext: {} } }, /spec: .*securityContext/],
    ['with another image', inContainer({ image: 'other' }), /spec\.containers\.0: .*image/],
    ['with a container of its own', { spec: { containers: [{ name: 'mine' }] } }, /spec\.containers\.0\.name: /],
    ['with a folder of the node', volume({ hostPath: { path: '/' } }), /spec\.volumes\.0: must have exactly one of/],
    ['with two kinds in a volume', volume({ emptyDir: {}, secret: {} }), /exactly one of/],
    [
      'with a service account token',
      volume({ projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }),
      /service account token/,
    ],
    ['with a volume of the system', { spec: { volumes: [{ name: 'workspace', emptyDir: {} }] } }, /of the system/],
    [
      'that mounts what is no volume',
      { spec: { containers: [{ name: 'clone', volumeMounts: [{ name: 'x', mountPath: '/x' }] }] } },
      /names x/,
    ],
    ['that hides the workspace', mountAt('/workspace'), /must not be in, or hide/],
    ['that mounts into the workspace', mountAt('/workspace/project/a'), /must not be in, or hide/],
    ['that hides all folders', mountAt('/var'), /must not be in, or hide/],
    ['that mounts a path with "..", ', mountAt('/opt/../workspace'), /\.\./],
    ['with a variable of the system', inContainer({ env: [{ name: 'HOME', value: '/' }] }), /variable of the system/],
    [
      'with the password of OpenCode',
      inContainer({ env: [{ name: 'OPENCODE_SERVER_PASSWORD', value: 'x' }] }),
      /of the system/,
    ],
    [
      'with a variable twice',
      inContainer({
        env: [
          { name: 'A', value: '1' },
          { name: 'A', value: '2' },
        ],
      }),
      /has A twice/,
    ],
    ['with a label of the system', { metadata: { labels: { 'project-id': 'x' } } }, /metadata\.labels\.project-id/],
    ['with a label that is no text', 'metadata: { labels: { a: true } }', /metadata\.labels\.a: /],
    ['with a label that is too long', { metadata: { labels: { a: 'x'.repeat(64) } } }, /value of a label/],
    [
      'with an annotation of the system',
      { metadata: { annotations: { 'opencode-project-manager/generation': '9' } } },
      /set by the system/,
    ],
    [
      'with a toleration of nothing',
      { spec: { tolerations: [{ effect: 'NoSchedule' }] } },
      /needs the operator Exists/,
    ],
    [
      'with a toleration of a value by existence',
      { spec: { tolerations: [{ key: 'a', operator: 'Exists', value: 'b' }] } },
      /cannot have a value/,
    ],
    [
      'with an unknown effect',
      { spec: { tolerations: [{ key: 'a', effect: 'Never' }] } },
      /spec\.tolerations\.0\.effect/,
    ],
    ['with a prototype', '{"spec": {"__proto__": {"hostPID": true}}}', /./],
  ];
  it.each(refused)('%s', (_, template, message) => {
    const problems = problemsOf(template);
    expect(problems.join('\n')).toMatch(message);
    for (const problem of problems) expect(problem).toMatch(/^POD_TEMPLATE: /);
  });

  it('with everything that is wrong at once', () => {
    const problems = problemsOf({ spec: { hostPID: true, priorityClassName: 'Not A Name', tolerations: 'all' } });
    expect(problems).toHaveLength(3);
  });
});

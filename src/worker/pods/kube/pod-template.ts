/**
 * What an administrator adds to every pod of a project: placement, labels, annotations, volumes and variables, as part of a Pod in YAML.
 * Strict schemas refuse at start what Kubernetes would refuse for each pod, and what would weaken the pod. What the system itself sets
 * cannot be changed. The file is mostly data, hence its length.
 */

import { loadYaml, type V1Pod, type V1TopologySpreadConstraint } from '@kubernetes/client-node';
import { z } from 'zod';

const maxTemplateLength = 64 * 1024;

/** An object with the fields that Kubernetes knows, and no other: a misspelled one is refused. */
const named = z.strictObject;
const text = z.string().max(4_096);
const label = z.string().regex(/^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/, 'must be the value of a label.');
const key = z
  .string()
  .regex(
    /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
    'must be a key such as example.com/team.',
  );
const objectName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/, 'must be the name of a Kubernetes object.');
const seconds = z.int().min(0).max(31_536_000);

const requirement = named({
  key,
  operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt']),
  values: z.array(text).max(100).exactOptional(),
});
const labelSelector = named({
  matchLabels: z.record(key, label).exactOptional(),
  matchExpressions: z
    .array(requirement.extend({ operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']) }))
    .max(20)
    .exactOptional(),
});
const nodeSelectorTerm = named({
  matchExpressions: z.array(requirement).max(20).exactOptional(),
  matchFields: z.array(requirement).max(20).exactOptional(),
});
const podAffinityTerm = named({
  labelSelector: labelSelector.exactOptional(),
  namespaceSelector: labelSelector.exactOptional(),
  namespaces: z.array(objectName).max(100).exactOptional(),
  matchLabelKeys: z.array(key).max(20).exactOptional(),
  mismatchLabelKeys: z.array(key).max(20).exactOptional(),
  topologyKey: key,
});
const weight = z.int().min(1).max(100);
const podAffinity = named({
  requiredDuringSchedulingIgnoredDuringExecution: z.array(podAffinityTerm).max(20).exactOptional(),
  preferredDuringSchedulingIgnoredDuringExecution: z.array(named({ weight, podAffinityTerm })).max(20).exactOptional(),
});
const affinity = named({
  nodeAffinity: named({
    requiredDuringSchedulingIgnoredDuringExecution: named({
      nodeSelectorTerms: z.array(nodeSelectorTerm).min(1).max(20),
    }).exactOptional(),
    preferredDuringSchedulingIgnoredDuringExecution: z
      .array(named({ weight, preference: nodeSelectorTerm }))
      .max(20)
      .exactOptional(),
  }).exactOptional(),
  podAffinity: podAffinity.exactOptional(),
  podAntiAffinity: podAffinity.exactOptional(),
});
const toleration = named({
  key: key.exactOptional(),
  operator: z.enum(['Exists', 'Equal', 'Gt', 'Lt']).exactOptional(),
  value: label.exactOptional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).exactOptional(),
  tolerationSeconds: seconds.exactOptional(),
})
  .refine(({ key: taint, operator }) => taint !== undefined || operator === 'Exists', {
    error: 'without a key needs the operator Exists.',
  })
  .refine(({ operator, value }) => operator !== 'Exists' || (value ?? '') === '', {
    error: 'with the operator Exists cannot have a value.',
  });
const spread = named({
  maxSkew: z.int().min(1).max(1_000).default(1),
  topologyKey: key,
  whenUnsatisfiable: z.enum(['DoNotSchedule', 'ScheduleAnyway']),
  labelSelector: labelSelector.exactOptional(),
  minDomains: z.int().min(1).max(1_000).exactOptional(),
  nodeAffinityPolicy: z.enum(['Honor', 'Ignore']).exactOptional(),
  nodeTaintsPolicy: z.enum(['Honor', 'Ignore']).exactOptional(),
  matchLabelKeys: z.array(key).max(20).exactOptional(),
});

/** The kinds of volumes that the pod security level `restricted` allows. Their content is checked by Kubernetes. */
const allowedVolumes = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
];
const volumeName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'must be a name of at most 63 small letters, digits and "-".');
const ownVolumes = ['workspace', 'opencode-config', 'git-ca', 'file-browser-access', 'session-proxy-access'];
const volume = z
  .looseObject({
    name: volumeName.refine((name) => !ownVolumes.includes(name), { error: 'is a volume of the system.' }),
  })
  .superRefine((value, context) => {
    const kinds = Object.keys(value).filter((field) => field !== 'name');
    const [kind] = kinds;
    if (kinds.length !== 1 || kind === undefined || !allowedVolumes.includes(kind)) {
      const message = `must have exactly one of ${allowedVolumes.join(', ')}.`;
      context.addIssue({ code: 'custom', message, input: value });
    } else if (typeof value[kind] !== 'object' || value[kind] === null) {
      context.addIssue({ code: 'custom', path: [kind], message: 'must be an object.', input: value });
    } else if (JSON.stringify(value).includes('"serviceAccountToken":')) {
      const message = 'must not contain a service account token: the agent could use it.';
      context.addIssue({ code: 'custom', path: [kind], message, input: value });
    }
  });

const ownVariables = ['HOME', 'PROJECT_ID', 'REPO_URL', 'WORKSPACE', 'MODEL_BROKER_URL', 'HOST', 'PORT'];
const ownVariablePrefix = /^(OPENCODE_|PROJECT_|KUBERNETES_|ACCESS_)/;
const variable = named({
  name: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable.')
    .refine((name) => !ownVariables.includes(name) && !ownVariablePrefix.test(name), {
      error: 'is a variable of the system.',
    }),
  value: z.string().max(65_536).exactOptional(),
  valueFrom: named({
    configMapKeyRef: named({ name: objectName, key: text, optional: z.boolean().exactOptional() }).exactOptional(),
    secretKeyRef: named({ name: objectName, key: text, optional: z.boolean().exactOptional() }).exactOptional(),
    fieldRef: named({ fieldPath: text, apiVersion: z.literal('v1').exactOptional() }).exactOptional(),
  }).exactOptional(),
});
const ownPaths = ['/workspace', '/var/run/opencode-access', '/etc/opencode', '/etc/git-ca', '/proc', '/dev', '/sys'];
const mount = named({
  name: volumeName,
  mountPath: z
    .string()
    .max(1_024)
    .regex(/^\/[^:]*[^:/]$/, 'must be an absolute path without ":" and without "/" at its end.')
    .refine((path) => !path.split('/').includes('..'), { error: 'must not contain "..".' })
    .refine((path) => !ownPaths.some((own) => `${path}/`.startsWith(`${own}/`) || `${own}/`.startsWith(`${path}/`)), {
      error: `must not be in, or hide, ${ownPaths.join(', ')}.`,
    }),
  subPath: text.refine((path) => !path.startsWith('/') && !path.split('/').includes('..')).exactOptional(),
  readOnly: z.boolean().exactOptional(),
});
const container = named({
  name: z.enum(['opencode-server', 'file-browser', 'session-proxy', 'clone'], {
    error: 'must be opencode-server, file-browser, session-proxy, or clone for the container that prepares the volume.',
  }),
  env: z.array(variable).max(200).default([]),
  volumeMounts: z.array(mount).max(50).default([]),
});

const ownLabel = /^(app|project-id|app\.kubernetes\.io\/.*)$/;
const ownAnnotation = /^opencode-project-manager\//;
const unless = (own: RegExp) => key.refine((name) => !own.test(name), { error: 'is set by the system.' });

const podTemplateSchema = named({
  apiVersion: z.literal('v1').exactOptional(),
  kind: z.literal('Pod').exactOptional(),
  metadata: named({
    labels: z.record(unless(ownLabel), label).default({}),
    annotations: z.record(unless(ownAnnotation), z.string().max(65_536)).default({}),
  }).default({ labels: {}, annotations: {} }),
  spec: named({
    nodeSelector: z.record(key, label).exactOptional(),
    tolerations: z.array(toleration).max(50).exactOptional(),
    affinity: affinity.exactOptional(),
    topologySpreadConstraints: z.array(spread).max(20).exactOptional(),
    priorityClassName: objectName.exactOptional(),
    runtimeClassName: objectName.exactOptional(),
    schedulerName: objectName.exactOptional(),
    serviceAccountName: objectName.exactOptional(),
    imagePullSecrets: z
      .array(named({ name: objectName }))
      .max(20)
      .exactOptional(),
    hostAliases: z
      .array(named({ ip: z.union([z.ipv4(), z.ipv6()]), hostnames: z.array(text).min(1).max(50) }))
      .max(50)
      .exactOptional(),
    volumes: z.array(volume).max(50).default([]),
    containers: z.array(container).max(4).default([]),
  }).default({ volumes: [], containers: [] }),
}).superRefine(({ spec }, context) => {
  const report = (path: PropertyKey[], message: string) =>
    context.addIssue({ code: 'custom', path: ['spec', ...path], message, input: spec });
  const volumes = spec.volumes.map(({ name }) => name);
  for (const name of repeated(volumes)) report(['volumes'], `has ${name} twice.`);
  for (const name of repeated(spec.containers.map((each) => each.name))) report(['containers'], `has ${name} twice.`);
  for (const [index, { env, volumeMounts }] of spec.containers.entries()) {
    const at = (part: string) => ['containers', index, part];
    for (const name of repeated(env.map((each) => each.name))) report(at('env'), `has ${name} twice.`);
    for (const path of repeated(volumeMounts.map((each) => each.mountPath))) {
      report(at('volumeMounts'), `has ${path} twice.`);
    }
    for (const { name } of volumeMounts) {
      if (!volumes.includes(name)) report(at('volumeMounts'), `names ${name}, which is not in spec.volumes.`);
    }
  }
});

const repeated = (names: string[]) => new Set(names.filter((name, index) => names.indexOf(name) !== index));

export type PodTemplate = z.output<typeof podTemplateSchema>;

/** For a variable: part of a Pod, as YAML or JSON. What is wrong is named with its path. */
export const podTemplateVariable = z
  .string()
  .max(maxTemplateLength, 'must have at most 64 KiB.')
  .transform((yaml, context): PodTemplate => {
    let parsed: unknown;
    try {
      parsed = loadYaml(yaml);
    } catch (error) {
      // The first line names the place; the others quote the text.
      const [reason = ''] = String(error instanceof Error ? error.message : error).split('\n');
      context.addIssue({ code: 'custom', message: `is not YAML: ${reason}.`, input: undefined });
      return z.NEVER;
    }
    const result = podTemplateSchema.safeParse(parsed);
    if (result.success) return result.data;
    for (const issue of result.error.issues) {
      const place = issue.path.length === 0 ? '' : `${issue.path.map(String).join('.')}: `;
      const message = issue.code === 'invalid_key' ? issue.issues.map((each) => each.message).join(' ') : issue.message;
      context.addIssue({ code: 'custom', message: `${place}${message}`, input: undefined });
    }
    return z.NEVER;
  });

/** Adds the template to a new manifest, which keeps all that it sets itself. */
export function addPodTemplate({ metadata = {}, spec }: V1Pod, template: PodTemplate): void {
  if (!spec) return;
  const { volumes, containers, imagePullSecrets = [], topologySpreadConstraints, ...placement } = template.spec;
  metadata.labels = { ...template.metadata.labels, ...metadata.labels };
  metadata.annotations = { ...template.metadata.annotations, ...metadata.annotations };
  Object.assign(spec, placement); // fields that the system does not use
  if (topologySpreadConstraints) spec.topologySpreadConstraints = topologySpreadConstraints.map(amongProjects);
  spec.imagePullSecrets = [...(spec.imagePullSecrets ?? []), ...imagePullSecrets];
  spec.volumes = [...(spec.volumes ?? []), ...volumes];
  for (const { name, env, volumeMounts } of containers) {
    const own = name === 'clone' ? spec.initContainers : spec.containers.filter((each) => each.name === name);
    for (const each of own ?? []) {
      each.env = [...(each.env ?? []), ...env];
      each.volumeMounts = [...(each.volumeMounts ?? []), ...volumeMounts];
    }
  }
}

/** Without a selector of its own, a constraint counts the pods of projects. */
function amongProjects(constraint: NonNullable<PodTemplate['spec']['topologySpreadConstraints']>[number]) {
  const selector = { matchLabels: { app: 'opencode-project' } };
  return { labelSelector: selector, ...constraint } satisfies V1TopologySpreadConstraint;
}

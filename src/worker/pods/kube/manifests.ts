/**
 * The manifests of a project's pod, claim and secret. Pure: the same project always gives the same manifests. The file is mostly data,
 * hence its length.
 */

import type { V1Container, V1PersistentVolumeClaim, V1Pod, V1Probe, V1Secret, V1Volume } from '@kubernetes/client-node';

import type { CredentialPurpose } from '../../../shared/node/access/credentials.ts';
import type { ProjectRecord } from '../../../shared/node/db/project-record.ts';
import { sizeNamed, type ProjectSize } from '../../../shared/node/sizes/size-rules.ts';
import {
  configFileName,
  configFilesOf,
  configFolder,
  type ConfigFiles,
} from '../../../shared/opencode/config-files.ts';
import { cloneContainer } from '../diagnosis/clone-failure.ts';
import { addPodTemplate, type PodTemplate } from './pod-template.ts';
import { workspaceScript } from './workspace-script.ts';

const projectApp = 'opencode-project';
export const projectSelector = `app=${projectApp}`;
/** Whether lists and watches with {@link projectSelector} contain this object. */
export function isSelected({ metadata }: { metadata: { labels: Record<string, string> } }): boolean {
  return metadata.labels['app'] === projectApp;
}
export const projectIdLabel = 'project-id';
/** The generation that a pod was created for. A restart creates a pod of a higher generation under the same name. */
export const generationAnnotation = 'opencode-project-manager/generation';
/** The installation that created the object. Two installations in one namespace must not delete each other's objects. */
export const installationAnnotation = 'opencode-project-manager/installation';

/** The key that the credentials of the pod are derived with. */
export const accessKeyAnnotation = 'opencode-project-manager/access-key-id';

/** The size that the pod was created with, in an installation with sizes. */
export const sizeAnnotationName = 'opencode-project-manager/size';

/** The request id of the mutation that caused the pod, as in the logs of server and worker. */
const requestAnnotation = 'opencode-project-manager/request-id';

export interface PodSettings {
  installationId: string;
  /** The key of the credentials that new pods get. */
  accessKeyId: string;
  openCodeImage: string;
  fileBrowserImage: string;
  sessionProxyImage: string;
  imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  imagePullSecrets: string[];
  /** Kubernetes quantities: the limits and requests of the OpenCode container, in an installation without sizes. */
  openCodeResources: { limits: { cpu: string; memory: string }; requests: { cpu: string; memory: string } };
  workspaceSize: string;
  /** What people choose from. Empty: all projects have the two settings above. */
  sizes: readonly ProjectSize[];
  /** `null` means the default class of the cluster. */
  workspaceStorageClass: string | null;
  /** A ConfigMap with the key `opencode.json`, mounted as OpenCode's configuration; `null` means none. */
  openCodeConfigMap: string | null;
  /** A ConfigMap with the key ca.crt, which the clone step trusts. */
  gitCaConfigMap: string | null;
  /** Where pods reach the model broker; `null`: OpenCode gets no models of this system. */
  modelBrokerUrl: string | null;
  /** What the administrator adds to every pod. */
  podTemplate: PodTemplate | null;
}

/** The repository, OpenCode's working folder and the root of the file browser; `workspaceScript` creates it. */
const projectFolder = '/workspace/project';
/** Outside the repository, because OpenCode writes its own data there. */
const home = { name: 'HOME', value: '/workspace/.home' };

/**
 * For each folder that it works in, OpenCode installs a package by npm, and waits for that before it loads the plugins of a
 * repository. Without a registry npm tries three times, with pauses of 10 s and 60 s: the first request to a folder was answered after
 * 73 s. With these pauses it takes 3 s.
 */
const npmPauses = [
  { name: 'npm_config_fetch_retry_mintimeout', value: '500' },
  { name: 'npm_config_fetch_retry_maxtimeout', value: '2000' },
];

const securityContext = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };
const sidecarResources = { limits: { cpu: '200m', memory: '128Mi' }, requests: { cpu: '25m', memory: '32Mi' } };
/** It searches the project, and holds a few texts of 5 MiB at the same time. */
const fileBrowserResources = { limits: { cpu: '500m', memory: '256Mi' }, requests: { cpu: '25m', memory: '32Mi' } };

export function claimManifest(project: ProjectRecord, settings: PodSettings): V1PersistentVolumeClaim {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: project.workspacePvcName,
      namespace: project.namespace,
      labels: labels(project),
      annotations: { [installationAnnotation]: settings.installationId },
    },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: storageOf(project, settings) } },
      ...(settings.workspaceStorageClass === null ? {} : { storageClassName: settings.workspaceStorageClass }),
    },
  };
}

/**
 * The credentials of the project, for its pod. Each key has a secret of its own, so that a pod of an older key keeps working
 * and the worker never has to read or change a secret. The claim owns it, so Kubernetes deletes it with the claim.
 */
export function accessSecretManifest(
  project: ProjectRecord,
  options: {
    claimUid: string;
    settings: Pick<PodSettings, 'installationId' | 'accessKeyId'>;
    credentials: Record<CredentialPurpose, string>;
  },
): V1Secret {
  const { claimUid, settings, credentials } = options;
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    immutable: true,
    metadata: {
      name: accessSecretName(project, settings),
      namespace: project.namespace,
      labels: labels(project),
      annotations: { [installationAnnotation]: settings.installationId },
      ownerReferences: [
        { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name: project.workspacePvcName, uid: claimUid },
      ],
    },
    stringData: credentials,
  };
}

/** @param options.files the configuration of the project; an empty one unless given */
export function podManifest(
  project: ProjectRecord,
  settings: PodSettings,
  { requestId, files = configFilesOf(null) }: { requestId?: string | undefined; files?: ConfigFiles } = {},
): V1Pod {
  const config = settings.openCodeConfigMap;
  const openCodeEnv = [
    { name: 'PROJECT_ID', value: project.id },
    home,
    ...npmPauses,
    ...repositoryUrl(project),
    // Files of the repository win over it. A file in /etc/opencode wins over both: it is the one of the administrator.
    { name: 'OPENCODE_CONFIG', value: `${home.value}/${configFolder}/${configFileName}` },
    {
      name: 'OPENCODE_SERVER_PASSWORD',
      valueFrom: { secretKeyRef: { name: accessSecretName(project, settings), key: 'opencode' } },
    },
  ];
  const pod: V1Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: project.podName,
      namespace: project.namespace,
      labels: labels(project),
      annotations: {
        [generationAnnotation]: String(project.generation),
        [installationAnnotation]: settings.installationId,
        [accessKeyAnnotation]: settings.accessKeyId,
        ...sizeAnnotation(project, settings),
        ...(requestId === undefined ? {} : { [requestAnnotation]: requestId }),
      },
    },
    spec: {
      restartPolicy: 'Always',
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 10,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 1000,
        runAsGroup: 1000,
        fsGroup: 1000,
        fsGroupChangePolicy: 'OnRootMismatch',
        seccompProfile: { type: 'RuntimeDefault' },
      },
      imagePullSecrets: settings.imagePullSecrets.map((name) => ({ name })),
      initContainers: [workspaceContainer(project, settings, files)],
      containers: [
        {
          ...container('opencode-server', settings.openCodeImage, 3000, openCodeHealth(4), settings),
          workingDir: projectFolder,
          env: openCodeEnv,
          resources: openCodeResourcesOf(project, settings),
          // OpenCode may start slowly on a busy node. The other probes begin after this one has succeeded.
          startupProbe: { ...openCodeHealth(1), timeoutSeconds: 2, periodSeconds: 1, failureThreshold: 120 },
          volumeMounts: [
            { name: 'workspace', mountPath: '/workspace' },
            ...(config === null ? [] : [{ name: 'opencode-config', mountPath: '/etc/opencode', readOnly: true }]),
          ],
        },
        sidecar('file-browser', { port: 3001, image: settings.fileBrowserImage }, settings),
        sidecar(
          'session-proxy',
          { port: 3002, image: settings.sessionProxyImage, env: passageTo(project, settings) },
          settings,
        ),
      ],
      volumes: [
        { name: 'workspace', persistentVolumeClaim: { claimName: project.workspacePvcName } },
        ...sidecarSecrets(accessSecretName(project, settings)),
        ...(config === null ? [] : [{ name: 'opencode-config', configMap: { name: config } }]),
        ...(settings.gitCaConfigMap === null ? [] : [{ name: 'git-ca', configMap: { name: settings.gitCaConfigMap } }]),
      ],
    },
  };
  if (settings.podTemplate !== null) addPodTemplate(pod, settings.podTemplate);
  return pod;
}

/** A size that the installation no longer has is the default one. */
function openCodeResourcesOf({ size: name }: ProjectRecord, { sizes, openCodeResources }: PodSettings) {
  const size = sizeNamed(sizes, name);
  if (size === null) return openCodeResources;
  const { cpu, memory, cpuRequest, memoryRequest } = size;
  return { limits: { cpu, memory }, requests: { cpu: cpuRequest, memory: memoryRequest } };
}

/** It is fixed when the project is created, so that a volume that has to be created again has the same size. */
function storageOf({ storage }: ProjectRecord, { sizes, workspaceSize }: PodSettings): string {
  return storage ?? sizeNamed(sizes, null)?.storage ?? workspaceSize;
}

function sizeAnnotation({ size: name }: ProjectRecord, { sizes }: PodSettings): Record<string, string> {
  const size = sizeNamed(sizes, name);
  return size === null ? {} : { [sizeAnnotationName]: size.name };
}

/** The way of the session proxy to the model broker. */
function passageTo({ id }: ProjectRecord, { modelBrokerUrl }: PodSettings) {
  if (modelBrokerUrl === null) return [];
  return [
    { name: 'PROJECT_ID', value: id },
    { name: 'MODEL_BROKER_URL', value: verbatim(modelBrokerUrl) },
  ];
}

/** Prepares the volume. It has the resources of the OpenCode container, because no other container runs at the same time. */
function workspaceContainer(project: ProjectRecord, settings: PodSettings, files: ConfigFiles): V1Container {
  return {
    name: project.repoUrl === null ? 'prepare-workspace' : cloneContainer,
    image: settings.openCodeImage,
    imagePullPolicy: settings.imagePullPolicy,
    command: ['/bin/sh', '-c', verbatim(workspaceScript)],
    env: [
      home,
      ...repositoryUrl(project),
      { name: 'PROJECT_CONFIG', value: verbatim(files.config) },
      { name: 'PROJECT_RULES', value: verbatim(files.rules) },
      { name: 'PROJECT_CONFIG_VERSION', value: String(files.version) },
    ],
    resources: openCodeResourcesOf(project, settings),
    volumeMounts: [
      { name: 'workspace', mountPath: '/workspace' },
      ...(settings.gitCaConfigMap === null ? [] : [{ name: 'git-ca', mountPath: '/etc/git-ca', readOnly: true }]),
    ],
    securityContext,
  };
}

function repositoryUrl({ repoUrl }: ProjectRecord) {
  return repoUrl === null ? [] : [{ name: 'REPO_URL', value: verbatim(repoUrl) }];
}

/** The kubelet replaces `$(NAME)` with the value of a variable. It turns `$$` into a plain `$`. */
const verbatim = (text: string): string => text.replaceAll('$', '$$$$');

/** One of our sidecars. It requires the secret, except on its health page. Its first argument selects the program. */
function sidecar(
  name: 'file-browser' | 'session-proxy',
  { image, port, env: own = [] }: { image: string; port: number; env?: { name: string; value: string }[] },
  settings: PodSettings,
) {
  const base = container(name, image, port, { httpGet: { path: '/healthz', port } }, settings);
  const access = { name: `${name}-access`, mountPath: '/var/run/opencode-access', readOnly: true };
  const env = [{ name: 'WORKSPACE', value: projectFolder }, ...own];
  const resources = name === 'file-browser' ? fileBrowserResources : sidecarResources;
  return { ...base, resources, args: [name], env, volumeMounts: [...base.volumeMounts, access] } satisfies V1Container;
}

/**
 * OpenCode answers only with its password. So the probe is a command in the container, where the password is known. A request that
 * arrives right before OpenCode listens is never answered, so a short limit makes a start faster. POD_IP exists only in `npm start`,
 * where each pod has a loopback address of its own.
 */
const openCodeHealth = (limitSeconds: number) => ({
  exec: {
    command: [
      '/bin/sh',
      '-c',
      `exec curl -fsS -m ${limitSeconds} -u "opencode:$OPENCODE_SERVER_PASSWORD" http://\${POD_IP:-127.0.0.1}:3000/global/health`,
    ],
  },
});

type HealthCheck = { exec: { command: string[] } } | { httpGet: { path: string; port: number } };

function container(name: string, image: string, port: number, health: HealthCheck, settings: PodSettings) {
  const probe = { ...health, timeoutSeconds: 'exec' in health ? 5 : 2 } satisfies V1Probe;
  return {
    name,
    image,
    imagePullPolicy: settings.imagePullPolicy,
    ports: [{ name, containerPort: port, protocol: 'TCP' }],
    resources: sidecarResources,
    livenessProbe: { ...probe, periodSeconds: 10, failureThreshold: 3 },
    readinessProbe: { ...probe, periodSeconds: 3, failureThreshold: 2 },
    volumeMounts: [{ name: 'workspace', mountPath: '/workspace' }],
    securityContext,
    // The end of the log says why a container ended, when it left no other message. The diagnosis quotes it.
    terminationMessagePolicy: 'FallbackToLogsOnError',
  } satisfies V1Container;
}

const accessSecretName = ({ id }: ProjectRecord, { accessKeyId }: Pick<PodSettings, 'accessKeyId'>): string =>
  `access-${id}-${accessKeyId}`;

/** The part of the secret that each sidecar needs, as files. OpenCode itself gets only its password, as a variable. */
function sidecarSecrets(secretName: string): V1Volume[] {
  const volume = (name: string, purposes: CredentialPurpose[]): V1Volume => ({
    name: `${name}-access`,
    secret: { secretName, defaultMode: 0o440, items: purposes.map((key) => ({ key, path: key })) },
  });
  return [volume('file-browser', ['sidecar']), volume('session-proxy', ['sidecar', 'opencode', 'models'])];
}

function labels(project: ProjectRecord): Record<string, string> {
  return {
    app: projectApp,
    [projectIdLabel]: project.id,
    'app.kubernetes.io/name': 'opencode-project',
    'app.kubernetes.io/instance': project.id,
    'app.kubernetes.io/component': 'workspace',
    'app.kubernetes.io/part-of': 'opencode-project-manager',
    'app.kubernetes.io/managed-by': 'opencode-project-manager',
  };
}

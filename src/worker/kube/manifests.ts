/** The pod and the volume claim of a project, as Kubernetes wants them. Pure: the same project gives the same manifest. */
import type { V1Container, V1PersistentVolumeClaim, V1Pod, V1Probe } from '@kubernetes/client-node';

import type { ProjectRecord } from '../../shared/node/db/project-record.ts';

export const projectSelector = 'app=opencode-project';
export const projectIdLabel = 'project-id';
/** The wish that a pod was made for; a restart asks for a later one under the same name. */
export const generationAnnotation = 'opencode-project-manager/generation';
/** The installation that made the object: two of them in one namespace must not tidy up after each other. */
export const installationAnnotation = 'opencode-project-manager/installation';

export interface PodSettings {
  installationId: string;
  openCodeImage: string;
  fileBrowserImage: string;
  sessionProxyImage: string;
  imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  imagePullSecrets: string[];
  /** Kubernetes quantities: the limits and requests of the OpenCode container. */
  openCodeResources: { limits: { cpu: string; memory: string }; requests: { cpu: string; memory: string } };
  workspaceSize: string;
  /** `null`: the cluster's default class. */
  workspaceStorageClass: string | null;
  /** A ConfigMap with the key `opencode.json`, mounted as OpenCode's configuration; `null`: none. */
  openCodeConfigMap: string | null;
}

const sidecarResources = { limits: { cpu: '200m', memory: '128Mi' }, requests: { cpu: '25m', memory: '32Mi' } };

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
      resources: { requests: { storage: settings.workspaceSize } },
      ...(settings.workspaceStorageClass === null ? {} : { storageClassName: settings.workspaceStorageClass }),
    },
  };
}

export function podManifest(project: ProjectRecord, settings: PodSettings): V1Pod {
  const config = settings.openCodeConfigMap;
  const openCodeEnv = [
    { name: 'PROJECT_ID', value: project.id },
    { name: 'HOME', value: '/workspace' },
    ...(project.repoUrl === null ? [] : [{ name: 'REPO_URL', value: project.repoUrl }]),
    ...(config === null ? [] : [{ name: 'OPENCODE_CONFIG', value: '/etc/opencode/opencode.json' }]),
  ];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: project.podName,
      namespace: project.namespace,
      labels: labels(project),
      annotations: {
        [generationAnnotation]: String(project.generation),
        [installationAnnotation]: settings.installationId,
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
      containers: [
        {
          ...container('opencode-server', settings.openCodeImage, 3000, '/global/health', settings),
          env: openCodeEnv,
          resources: settings.openCodeResources,
          // OpenCode may take a while on a busy node; only after its start do the other two probes count.
          startupProbe: { ...probe(3000, '/global/health'), periodSeconds: 2, failureThreshold: 60 },
          volumeMounts: [
            { name: 'workspace', mountPath: '/workspace' },
            ...(config === null ? [] : [{ name: 'opencode-config', mountPath: '/etc/opencode', readOnly: true }]),
          ],
        },
        container('file-browser', settings.fileBrowserImage, 3001, '/healthz', settings),
        container('session-proxy', settings.sessionProxyImage, 3002, '/healthz', settings),
      ],
      volumes: [
        { name: 'workspace', persistentVolumeClaim: { claimName: project.workspacePvcName } },
        ...(config === null ? [] : [{ name: 'opencode-config', configMap: { name: config } }]),
      ],
    },
  };
}

function container(name: string, image: string, port: number, healthPath: string, settings: PodSettings) {
  return {
    name,
    image,
    imagePullPolicy: settings.imagePullPolicy,
    ports: [{ name, containerPort: port, protocol: 'TCP' }],
    resources: sidecarResources,
    livenessProbe: { ...probe(port, healthPath), periodSeconds: 10, failureThreshold: 3 },
    readinessProbe: { ...probe(port, healthPath), periodSeconds: 3, failureThreshold: 2 },
    volumeMounts: [{ name: 'workspace', mountPath: '/workspace' }],
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
  } satisfies V1Container;
}

function probe(port: number, path: string) {
  return { httpGet: { path, port }, timeoutSeconds: 2 } satisfies V1Probe;
}

function labels(project: ProjectRecord): Record<string, string> {
  return {
    app: 'opencode-project',
    [projectIdLabel]: project.id,
    'app.kubernetes.io/name': 'opencode-project',
    'app.kubernetes.io/instance': project.id,
    'app.kubernetes.io/component': 'workspace',
    'app.kubernetes.io/part-of': 'opencode-project-manager',
    'app.kubernetes.io/managed-by': 'opencode-project-manager',
  };
}

/** Manifests for the contract tests. */

import type { JsonObject } from '../../src/embedded/kubernetes/api/kube-object.ts';

/** A pod like those of the product: three containers with probes, limits and one claim. */
export function podManifest(
  name: string,
  options: { labels?: Record<string, string>; claim?: string; image?: string } = {},
): JsonObject {
  const container = (containerName: string, port: number, image: string): JsonObject => ({
    name: containerName,
    image,
    ports: [{ containerPort: port }],
    resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '100m', memory: '256Mi' } },
    readinessProbe: { httpGet: { path: '/health', port }, periodSeconds: 1 },
    startupProbe: { httpGet: { path: '/health', port }, periodSeconds: 1, failureThreshold: 30 },
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    ...(options.claim === undefined ? {} : { volumeMounts: [{ name: 'workspace', mountPath: '/workspace' }] }),
  });
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: 'opencode-project', ...options.labels } },
    spec: {
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        container('opencode-server', 3000, options.image ?? 'registry.example.com/opencode:v1'),
        container('file-browser', 3001, 'registry.example.com/file-browser:v1'),
        container('session-proxy', 3002, 'registry.example.com/session-proxy:v1'),
      ],
      ...(options.claim === undefined
        ? {}
        : { volumes: [{ name: 'workspace', persistentVolumeClaim: { claimName: options.claim } }] }),
    },
  };
}

/** A pod with the required fields only. */
export function smallPod(name: string, labels: Record<string, string> = {}): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: { containers: [{ name: 'main', image: 'registry.example.com/main:v1' }] },
  };
}

export function claimManifest(name: string): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, labels: { app: 'opencode-project' } },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  };
}

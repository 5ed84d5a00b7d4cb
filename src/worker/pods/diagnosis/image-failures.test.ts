import { describe, expect, it } from 'vitest';

import { kubernetesEventSchema, type KubernetesEvent } from '../kube/kubernetes-event.ts';
import { kubernetesPodSchema } from '../kube/kubernetes-pod.ts';
import { diagnoseImage } from './image-failures.ts';

/** Texts of container runtimes and registries, from their sources and from public reports. */
const failures = [
  {
    what: 'the sign-in of ECR is older than 12 hours',
    image: '123456789012.dkr.ecr.eu-central-1.amazonaws.com/opencode:1.18.33',
    reason: 'ImagePullBackOff',
    text: 'failed to pull and unpack image "123456789012.dkr.ecr.eu-central-1.amazonaws.com/opencode:1.18.33": failed to resolve reference "123456789012.dkr.ecr.eu-central-1.amazonaws.com/opencode:1.18.33": pull access denied, repository does not exist or may require authorization: authorization failed: denied: Your authorization token has expired. Reauthenticate and try again.',
    expected: { reason: 'image-denied', actor: 'administrator' },
    says: ['expired'],
  },
  {
    what: 'CRI-O and ECR',
    image: '123456789012.dkr.ecr.eu-central-1.amazonaws.com/opencode:1.18.33',
    reason: 'ImagePullBackOff',
    text: "reading manifest 1.18.33 in 123456789012.dkr.ecr.eu-central-1.amazonaws.com/opencode: name unknown: The repository with name 'opencode' does not exist in the registry with id '123456789012'",
    expected: { reason: 'image-not-found', actor: 'administrator' },
    says: ['not found'],
  },
  {
    what: 'CRI-O and quay.io, github.com/stolostron/deploy#6',
    image: 'quay.io/acme/opencode:1.18.33',
    reason: 'ImagePullBackOff',
    text: 'initializing source docker://quay.io/acme/opencode:1.18.33: reading manifest 1.18.33 in quay.io/acme/opencode: unauthorized: access to the requested resource is not authorized',
    expected: { reason: 'image-denied', actor: 'administrator' },
    says: ['sign-in', 'name'],
  },
  {
    what: 'Google Artifact Registry',
    image: 'europe-docker.pkg.dev/acme/team/opencode:1.18.33',
    reason: 'ImagePullBackOff',
    text: 'failed to pull and unpack image "europe-docker.pkg.dev/acme/team/opencode:1.18.33": failed to resolve reference "europe-docker.pkg.dev/acme/team/opencode:1.18.33": unexpected status from HEAD request to https://europe-docker.pkg.dev/v2/acme/team/opencode/manifests/1.18.33: 403 Forbidden\ndenied: Permission "artifactregistry.repositories.downloadArtifacts" denied on resource "projects/acme/locations/europe/repositories/team" (or it may not exist)',
    expected: { reason: 'image-denied', actor: 'administrator' },
    says: ['sign-in'],
  },
  {
    what: 'GitLab',
    image: 'registry.gitlab.com/acme/opencode:1.18.33',
    reason: 'ImagePullBackOff',
    text: 'failed to pull and unpack image "registry.gitlab.com/acme/opencode:1.18.33": failed to resolve reference "registry.gitlab.com/acme/opencode:1.18.33": failed to authorize: failed to fetch oauth token: unexpected status from GET request to https://gitlab.com/jwt/auth?scope=repository%3Aacme%2Fopencode%3Apull&service=container_registry: 403 Forbidden: denied: access forbidden',
    expected: { reason: 'image-denied', actor: 'administrator' },
    says: ['sign-in'],
  },
  {
    what: 'Harbor, containerd 1.7',
    image: 'harbor.example.com/team/opencode:1.18.33',
    reason: 'ImagePullBackOff',
    text: 'rpc error: code = Unknown desc = failed to pull and unpack image "harbor.example.com/team/opencode:1.18.33": failed to resolve reference "harbor.example.com/team/opencode:1.18.33": unauthorized: unauthorized to access repository: team/opencode, action: pull: unauthorized to access repository: team/opencode, action: pull',
    expected: { reason: 'image-denied', actor: 'administrator' },
    says: ['sign-in'],
  },
  {
    what: 'CRI-O, a tag that does not exist',
    image: 'harbor.example.com/team/opencode:1.18.33',
    reason: 'ImagePullBackOff',
    text: 'reading manifest 1.18.33 in harbor.example.com/team/opencode: manifest unknown',
    expected: { reason: 'image-not-found', actor: 'administrator' },
    says: ['not found'],
  },
  {
    what: 'CRI-O, an image for amd64 alone',
    image: 'harbor.example.com/team/opencode:1.18.33',
    reason: 'ImagePullBackOff',
    text: 'choosing image instance: no image found in image index for architecture "arm64", variant "v8", OS "linux"',
    expected: { reason: 'image-wrong-platform', actor: 'administrator' },
    says: ['processor'],
  },
  {
    what: 'cri-dockerd',
    image: 'harbor.example.com/team/opencode:1.18.33',
    reason: 'ImagePullBackOff',
    text: 'no matching manifest for linux/arm64/v8 in the manifest list entries',
    expected: { reason: 'image-wrong-platform', actor: 'administrator' },
    says: ['processor'],
  },
  {
    what: 'CRI-O, several registries are possible',
    image: 'opencode:1.18.33',
    reason: 'ImagePullBackOff',
    text: 'short name mode is enforcing, but image name opencode:1.18.33 returns ambiguous list',
    expected: { reason: 'image-invalid-name', actor: 'administrator' },
    says: ['registry', 'name'],
  },
  {
    what: 'the certificate of the registry has expired',
    image: 'harbor.example.com/team/opencode:1.18.33',
    reason: 'ImagePullBackOff',
    text: 'failed to pull and unpack image "harbor.example.com/team/opencode:1.18.33": failed to resolve reference "harbor.example.com/team/opencode:1.18.33": failed to do request: Head "https://harbor.example.com/v2/team/opencode/manifests/1.18.33": tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-11-25T09:59:00Z is after 2026-11-20T00:00:00Z',
    expected: { reason: 'image-untrusted', actor: 'administrator' },
    says: ['certificate', 'expired'],
  },
  {
    what: 'the certificate is for another name',
    image: 'harbor.example.com/team/opencode:1.18.33',
    reason: 'ImagePullBackOff',
    text: 'pinging container registry harbor.example.com: Get "https://harbor.example.com/v2/": tls: failed to verify certificate: x509: certificate is valid for registry.example.com, not harbor.example.com',
    expected: { reason: 'image-untrusted', actor: 'administrator' },
    says: ['certificate', 'name'],
  },
  {
    what: 'a registry without TLS',
    image: 'harbor.example.com/team/opencode:1.18.33',
    reason: 'ImagePullBackOff',
    text: 'failed to pull and unpack image "harbor.example.com/team/opencode:1.18.33": failed to resolve reference "harbor.example.com/team/opencode:1.18.33": failed to do request: Head "https://harbor.example.com/v2/team/opencode/manifests/1.18.33": http: server gave HTTP response to HTTPS client',
    expected: { reason: 'image-untrusted', actor: 'administrator' },
    says: ['encrypted'],
  },
  {
    what: 'CRI-O, policy.json asks for a signature',
    image: 'harbor.example.com/team/opencode:1.18.33',
    reason: 'SignatureValidationFailed',
    text: 'copying system image from manifest list: Source image rejected: A signature was required, but no signature exists',
    expected: { reason: 'image-untrusted', actor: 'administrator' },
    says: ['signature'],
  },
  {
    what: 'containerd gives up a download without progress, github.com/kubernetes/kubernetes#131521',
    image: 'harbor.example.com/team/opencode:1.18.33',
    reason: 'ImagePullBackOff',
    text: 'rpc error: code = Canceled desc = failed to pull and unpack image "harbor.example.com/team/opencode:1.18.33": context canceled',
    expected: { reason: 'image-unreachable', actor: 'administrator' },
    says: ['download'],
  },
  {
    what: 'a layer from the content network of Docker Hub, github.com/rancher/rke2#6211',
    image: 'docker.io/acme/opencode:1.18.33',
    reason: 'ImagePullBackOff',
    text: 'rpc error: code = DeadlineExceeded desc = failed to pull and unpack image "docker.io/acme/opencode:1.18.33": failed to copy: httpReadSeeker: failed open: failed to do request: Get "https://production.cloudflare.docker.com/registry-v2/docker/registry/v2/blobs/sha256/35/3525a3daa55c92783ca961cd9c84d71a6c74db945f2ad8ab8a9d7df2c28c1038/data?verify=1718615355": dial tcp 108.160.169.46:443: i/o timeout',
    expected: { reason: 'image-unreachable', actor: 'administrator' },
    says: ['registry'],
  },
  {
    what: 'CRI-O, a registry that DNS does not know',
    image: 'harbor.example.com/team/opencode:1.18.33',
    reason: 'ImagePullBackOff',
    text: 'pinging container registry harbor.example.com: Get "https://harbor.example.com/v2/": dial tcp: lookup harbor.example.com on 10.96.0.10:53: no such host',
    expected: { reason: 'image-unreachable', actor: 'administrator' },
    says: ['DNS'],
  },
  {
    what: 'the proxy of the nodes refuses',
    image: 'harbor.example.com/team/opencode:1.18.33',
    reason: 'ImagePullBackOff',
    text: 'failed to pull and unpack image "harbor.example.com/team/opencode:1.18.33": failed to resolve reference "harbor.example.com/team/opencode:1.18.33": failed to do request: Head "https://harbor.example.com/v2/team/opencode/manifests/1.18.33": proxyconnect tcp: dial tcp 10.0.0.9:3128: connect: connection refused',
    expected: { reason: 'image-unreachable', actor: 'administrator' },
    says: ['proxy'],
  },
  {
    what: 'the quota of the registry',
    image: 'gcr.io/acme/opencode:1.18.33',
    reason: 'ImagePullBackOff',
    text: 'failed to pull and unpack image "gcr.io/acme/opencode:1.18.33": failed to resolve reference "gcr.io/acme/opencode:1.18.33": unexpected status from HEAD request to https://gcr.io/v2/acme/opencode/manifests/1.18.33: 429 Too Many Requests\ntoomanyrequests: Quota exceeded for quota metric \'Requests per project per region\'',
    expected: { reason: 'image-rate-limited', actor: 'administrator' },
    says: ['too many'],
  },
  {
    what: 'registryPullQPS of the node',
    image: 'gcr.io/acme/opencode:1.18.33',
    reason: 'ErrImagePull',
    text: 'pull QPS exceeded',
    expected: { reason: 'image-rate-limited', actor: 'nobody' },
    says: ['too many'],
  },
  {
    what: 'containerd 2.1 and an old image',
    image: 'gcr.io/acme/opencode:1.18.33',
    reason: 'ImagePullBackOff',
    text: 'failed to pull and unpack image "gcr.io/acme/opencode:1.18.33": not implemented: media type "application/vnd.docker.distribution.manifest.v1+prettyjws" is no longer supported since containerd v2.1, please rebuild the image as "application/vnd.docker.distribution.manifest.v2+json"',
    expected: { reason: 'image-pull-failed', actor: 'administrator' },
    says: ['format'],
  },
  {
    what: 'the name holds the words of causes, the text is unknown',
    image: 'registry.example.com/denied/not-found:timeout',
    reason: 'ImagePullBackOff',
    text: 'failed to pull and unpack image "registry.example.com/denied/not-found:timeout": the stars are not aligned',
    expected: { reason: 'image-pull-failed', actor: 'administrator' },
    says: ['stars are not aligned'],
  },
  {
    what: 'cri-dockerd and a broken registry',
    image: 'harbor.example.com/team/opencode:1.18.33',
    reason: 'ImagePullBackOff',
    text: 'Error response from daemon: received unexpected HTTP status: 500 Internal Server Error',
    expected: { reason: 'image-unreachable', actor: 'administrator' },
    says: ['registry', 'error'],
  },
  {
    what: 'the runtime cannot read the image',
    image: 'harbor.example.com/team/opencode:1.18.33',
    reason: 'ImageInspectError',
    text: 'Failed to inspect image "harbor.example.com/team/opencode:1.18.33": rpc error: code = Unknown desc = layer not known',
    expected: { reason: 'image-pull-failed', actor: 'administrator' },
    says: ['layer not known'],
  },
];

/** Texts that were found in public reports, with the causes that may be named. */
const reported: [reasons: string[], text: string, says: RegExp, image?: string][] = [
  [
    ['image-not-found'],
    'rpc error: code = Unknown desc = Error response from daemon: manifest for ghcr.io/hungtran84/hello-ap:1.0 not found',
    /not found/,
    'ghcr.io/hungtran84/hello-ap:1.0',
  ],
  [
    ['image-rate-limited'],
    'rpc error: code = Unknown desc = Error reading manifest latest in docker.io/library/busybox: toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: https://www.docker.com/increase-rate-limit',
    /too many/,
    'busybox',
  ],
  [
    ['image-unreachable'],
    'rpc error: code = Unknown desc = failed to pull and unpack image "docker.io/library/busybox:1.36.1": failed to resolve reference "docker.io/library/busybox:1.36.1": failed to do request: dial tcp 31.13.95.34:443: i/o timeout',
    /reached/,
    'busybox:1.36.1',
  ],
  [
    ['image-pull-failed'],
    'rpc error: code = NotFound desc = failed to pull and unpack image "gcr.io/a/b:1": failed to unpack image on snapshotter overlayfs: failed to extract layer sha256:eada838fb7777f76b5776c6b4f1cd7694f86a49c39001c931ef04ca324472614: failed to get reader from content store: content digest sha256:9a960853d26c8ea4055375ba6debc7e643: not found',
    /unpack/,
    'gcr.io/a/b:1',
  ],
  [
    ['image-denied'],
    'rpc error: code = Unknown desc = failed to pull and unpack image: failed to resolve reference: unexpected status from HEAD request: 401 Unauthorized',
    /sign-in/,
  ],
  [
    ['image-unreachable'],
    'rpc error: code = Unknown desc = failed to pull and unpack image "container-registry.oracle.com/mysql/community-operator:8.0.33-2.0.10": failed to read expected number of bytes: unexpected EOF',
    /broke off/,
  ],
  [
    ['image-denied'],
    'rpc error: code = Unknown desc = failed to pull and unpack image "854338797458.dkr.ecr.ap-northeast-1.amazonaws.com/alpacadb/x:0.15.3": failed to resolve reference "854338797458.dkr.ecr.ap-northeast-1.amazonaws.com/alpacadb/x:0.15.3": unexpected status code [manifests 0.15.3]: 401 Unauthorized',
    /sign-in/,
  ],
  [['image-denied'], 'failed to resolve image: unexpected status from HEAD request: 403 Forbidden', /sign-in/],
  [
    ['image-denied'],
    'failed to resolve reference "heidiai.jfrog.io/d/x:pr-6940": failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://heidiai.jfrog.io/artifactory/api/docker/d/v2/token?scope=repository%3A: 401 ""',
    /sign-in/,
  ],
  [
    ['image-pull-failed'],
    'failed to prepare extraction snapshot "extract-639718280-mVNW sha256:e3d7a120de01b04d536f8f8479b4f942dc3a4c6c52a4070e73c39e70f5a298b0": layer "551" unavailable: unavailable',
    /node/,
  ],
  [['image-not-found'], 'Failed to pull: manifest not found', /not found/],
  [
    ['image-denied'],
    'initializing source docker://docker.io/me/hello-private:latest: reading manifest latest in docker.io/me/hello-private: errors:\ndenied: requested access to the resource is denied\nunauthorized: authentication required\n',
    /sign-in/,
  ],
  [
    ['image-unreachable'],
    'initializing source docker://quay.io/ceph/ceph:v20.2.0: pinging container registry quay.io: Get "https://quay.io/v2/": dial tcp: lookup quay.io: Temporary failure in name resolution',
    /DNS/,
  ],
  [
    ['image-unreachable'],
    'failed to resolve reference "registry.example.com/app:1": failed to do request: Head "https://registry.example.com/v2/app/manifests/1": net/http: TLS handshake timeout',
    /time/,
  ],
  [
    ['image-denied'],
    'failed to resolve reference "quay.io/project-quay/quay:3.8.5": pulling from host quay.io failed with status code [manifests 3.8.5]: 401 UNAUTHORIZED',
    /sign-in/,
  ],
  [
    ['image-pull-failed'],
    'initializing source docker://registry.redhat.io/x/ee:latest: reading manifest latest in registry.redhat.io/x/ee: unsupported: This repository does not use the "latest" tag to track the most recent image',
    /reports/,
  ],
  [
    ['image-unreachable'],
    '(Mirrors also failed: [binaryrepo.example.com/rhoai/x: reading manifest: manifest unknown]): registry.redhat.io/x: pinging container registry registry.redhat.io: Get "https://registry.redhat.io/v2/": dial tcp: lookup registry.redhat.io: no such host',
    /DNS/,
  ],
  [
    ['image-unreachable'],
    'error pinging docker registry mirror.example.com:5000: Get http://mirror.example.com:5000/v2/: dial tcp 10.1.1.1:5000: connect: no route to host',
    /reached/,
  ],
  [
    ['image-unreachable'],
    'reading manifest 1 in quay.io/x/y: received unexpected HTTP status: 502 Bad Gateway',
    /error/,
  ],
  [
    ['image-pull-failed'],
    'failed to copy: httpReadSeeker: failed open: content at https://registry.example.com/v2/app/blobs/sha256:aa not found: not found',
    /lacks a part/,
  ],
  [
    ['image-pull-failed'],
    'failed commit on ref "layer-sha256:aa": unexpected commit digest sha256:bb, expected sha256:aa: failed precondition',
    /not a valid image/,
  ],
  [
    ['image-untrusted'],
    'failed to do request: Head "https://registry.example.com/v2/app/manifests/1": remote error: tls: handshake failure',
    /TLS/,
  ],
  [
    ['image-unreachable'],
    'failed to do request: Head "https://registry.example.com/v2/app/manifests/1": stopped after 10 redirects',
    /error/,
  ],

  [
    ['image-untrusted'],
    'rpc error: code = Unknown desc = copying system image from manifest list: reading signatures: parsing signature https://registry.redhat.io/containers/sigstore/openshift4/ose-oauth-proxy@sha256=f968/signature-9: unrecognized signature format',
    /signature/,
  ],
  [
    ['image-pull-failed'],
    'copying system image from manifest list: writing blob: adding layer with blob "sha256:82aabceedc2f": processing tar file(potentially insufficient UIDs or GIDs available in user namespace (requested 0:42 for /etc/shadow)',
    /reports|unpack/,
  ],
  [
    ['image-untrusted'],
    'copying system image from manifest list: Source image rejected: No public keys imported',
    /signature/,
  ],
  [
    ['node-disk-full'],
    'copying system image from manifest list: writing blob: adding layer with blob "sha256:abc": unpacking failed (error: exit status 1; output: write /usr/lib/x86_64-linux-gnu/libicudata.so.72.1: disk quota exceeded)',
    /disk/,
  ],
  [
    ['image-unreachable'],
    'copying system image from manifest list: reading blob sha256:957776ed783d: fetching blob: received unexpected HTTP status: 502 Bad Gateway',
    /error/,
  ],
  [
    ['image-pull-failed', 'image-unreachable'],
    'copying system image from manifest list: parsing image configuration: fetching blob: StatusCode: 400, "<?xml version="1.0"?><Error><Code>..."',
    /reports|error/,
  ],
  [
    ['image-pull-failed', 'image-untrusted'],
    'image pull failed for registry.access.redhat.com/rhel7/pod-infrastructure:latest, this may be because there are no credentials on this request.  details: (open /etc/docker/certs.d/registry.access.redhat.com/redhat-ca.crt: no such file or directory)',
    /reports|certificate/,
  ],
  [
    ['image-unreachable'],
    'image pull failed for gcr.io/google_containers/pause-amd64:3.0, this may be because there are no credentials on this request.  details: (Get https://gcr.io/v1/_ping: dial tcp 108.177.97.82:443: connect: connection refused)',
    /reached/,
  ],
  [['image-not-found'], 'Error: image library/hello-world-app not found', /not found/],
  [
    ['image-pull-failed'],
    'failed to get content: content digest sha256:5f70bf18a086: not found',
    /node .* lacks a part/,
  ],
  [
    ['image-pull-failed'],
    'failed to copy: httpReadSeeker: failed open: could not fetch content descriptor sha256:aa (application/vnd.oci.image.layer.v1.tar+gzip) from remote: not found',
    /registry lacks a part/,
  ],
];

function diagnose(image: string, reason: string, message: string, events: KubernetesEvent[] = []) {
  const container = {
    name: 'opencode-server',
    ready: false,
    restartCount: 0,
    state: { waiting: { reason, message } },
    lastState: {},
  };
  const pod = kubernetesPodSchema.parse({
    metadata: { name: 'p', namespace: 'n', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T10:00:00Z' },
    spec: { nodeName: 'node-1', containers: [{ name: 'opencode-server', image }] },
    status: { containerStatuses: [container] },
  });
  return diagnoseImage(container, pod, events);
}

describe('diagnoseImage', () => {
  it.each(failures)('gives cause and actor: $what', ({ image, reason, text, expected, says }) => {
    const diagnosis = diagnose(image, reason, text);
    expect(diagnosis).toMatchObject({ state: 'failing', ...expected });
    for (const fact of [image, ...says]) expect(diagnosis.message + diagnosis.nextStep).toContain(fact);
  });

  it('names the pull secret that does not exist, when the registry refuses without it', () => {
    const event = kubernetesEventSchema.parse({
      metadata: {
        name: 'p.1',
        namespace: 'n',
        uid: 'e',
        resourceVersion: '2',
        creationTimestamp: '2026-01-01T10:00:01Z',
      },
      involvedObject: { kind: 'Pod', name: 'p', uid: 'u' },
      type: 'Warning',
      reason: 'FailedToRetrieveImagePullSecret',
      message: 'Unable to retrieve some image pull secrets (regcred); attempting to pull the image may not succeed.',
    });
    const denied = diagnose('registry.example.com/app:1', 'ErrImagePull', 'pull access denied', [event]);
    expect(denied).toMatchObject({ reason: 'image-denied', actor: 'administrator' });
    expect(denied.message).toMatch(/the pull secret regcred .*does not exist\.$/);
    expect(denied.nextStep).toMatch(/create the secret/);
    // A public image is pulled without it.
    const missing = diagnose('registry.example.com/app:1', 'ErrImagePull', 'manifest unknown', [event]);
    expect(missing.message).not.toContain('regcred');
  });

  it.each(reported)('names one of %j for: %s', (reasons, text, says, image = 'registry.example.com/app:1') => {
    const diagnosis = diagnose(image, 'ErrImagePull', text);
    expect(reasons).toContain(diagnosis.reason);
    expect(diagnosis.message).toMatch(says);
  });
});

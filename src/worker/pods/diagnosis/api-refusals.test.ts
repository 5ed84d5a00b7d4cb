import { describe, expect, it } from 'vitest';

import { diagnoseRefusal } from './api-refusals.ts';

/** Answers of API servers, admission plugins and policy engines. The texts come from their sources and from public reports. */
const refusals = [
  {
    what: 'webhooks that use up the time of the request together, github.com/kubernetes/kubernetes#128162',
    answer: {
      status: 504,
      reason: 'Timeout',
      message: 'Timeout: request did not complete within requested timeout - context deadline exceeded',
      details: { kind: '' },
    },
    expected: { reason: 'cluster-busy', actor: 'nobody' },
    retried: true,
    says: ['in time', 'webhooks'],
  },
  {
    what: 'a webhook adds a container that is invalid, github.com/aws/amazon-eks-pod-identity-webhook#208',
    answer: {
      status: 422,
      reason: 'Invalid',
      message:
        'Pod "project-5b0f2c9e-0c1a-4c64-9f7b-6a2f0a5c7d31-k3x9q" is invalid: spec.containers[3].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
      details: {
        kind: 'Pod',
        causes: [
          {
            reason: 'FieldValueInvalid',
            message: 'Invalid value: "2": must be less than or equal to cpu limit of 1',
            field: 'spec.containers[3].resources.requests',
          },
        ],
      },
    },
    expected: { reason: 'invalid-spec', actor: 'administrator' },
    retried: false,
    says: ['another program of the cluster adds', 'CPU or memory', 'webhook'],
  },
  {
    what: 'Kyverno denies an image without a tag',
    answer: {
      status: 400,
      reason: '',
      message:
        'admission webhook "validate.kyverno.svc-fail" denied the request: \n\nresource Pod/opencode/project-5b0f2c9e-0c1a-4c64-9f7b-6a2f0a5c7d31-k3x9q was blocked due to the following policies \n\ndisallow-latest-tag:\n  require-image-tag: \'validation error: An image tag is required. rule require-image-tag failed at path /spec/containers/0/image/\'\n',
      details: { kind: '' },
    },
    expected: { reason: 'admission-denied', actor: 'administrator' },
    retried: false,
    says: ['disallow-latest-tag', 'image tag'],
  },
  {
    what: 'Kyverno finds no signature',
    answer: {
      status: 400,
      reason: '',
      message:
        'admission webhook "mutate.kyverno.svc-fail" denied the request: \n\nresource Pod/opencode/project-5b0f2c9e-0c1a-4c64-9f7b-6a2f0a5c7d31-k3x9q was blocked due to the following policies \n\ncheck-image:\n  check-image: \'failed to verify image registry.example.com/opencode:1.18.33: .attestors[0].entries[0].keys: no signatures found\'\n',
      details: { kind: '' },
    },
    expected: { reason: 'admission-denied', actor: 'administrator' },
    retried: false,
    says: ['check-image', 'signature'],
  },
  {
    what: 'a ValidatingPolicy of Kyverno 1.15',
    answer: {
      status: 400,
      reason: '',
      message:
        'admission webhook "vpol.validate.kyverno.svc-fail" denied the request: Policy require-team failed: the label team is required',
      details: { kind: '' },
    },
    expected: { reason: 'admission-denied', actor: 'administrator' },
    retried: false,
    says: ['policy', 'label team'],
  },
  {
    what: 'Gatekeeper, github.com/open-policy-agent/gatekeeper#3337',
    answer: {
      status: 403,
      reason: 'Forbidden',
      message:
        'admission webhook "validation.gatekeeper.sh" denied the request: [allow-privilege-escalation] Privilege escalation container is not allowed: opencode-server',
      details: { kind: 'pods' },
    },
    expected: { reason: 'admission-denied', actor: 'administrator' },
    retried: false,
    says: ['allow-privilege-escalation', 'not allowed'],
  },
  {
    what: 'the certificate of a webhook is not trusted',
    answer: {
      status: 500,
      reason: 'InternalError',
      message:
        'Internal error occurred: failed calling webhook "vault.hashicorp.com": failed to call webhook: Post "https://vault-agent-injector-svc.vault.svc:443/mutate?timeout=30s": tls: failed to verify certificate: x509: certificate signed by unknown authority',
      details: { kind: '' },
    },
    expected: { reason: 'admission-unavailable', actor: 'administrator' },
    retried: true,
    says: ['vault.hashicorp.com', 'certificate'],
  },
  {
    what: 'no pod of the webhook runs',
    answer: {
      status: 500,
      reason: 'InternalError',
      message:
        'Internal error occurred: failed calling webhook "validate.kyverno.svc-fail": failed to call webhook: Post "https://kyverno-svc.kyverno.svc:443/validate/fail?timeout=10s": no endpoints available for service "kyverno-svc"',
      details: { kind: '' },
    },
    expected: { reason: 'admission-unavailable', actor: 'administrator' },
    retried: true,
    says: ['not running'],
  },
  {
    what: 'a service account of the settings, github.com/camptocamp/bivac#279',
    answer: {
      status: 403,
      reason: 'Forbidden',
      message:
        'pods "project-5b0f2c9e-0c1a-4c64-9f7b-6a2f0a5c7d31-k3x9q" is forbidden: error looking up service account opencode/sandbox: serviceaccount "sandbox" not found',
      details: { kind: 'pods' },
    },
    expected: { reason: 'service-account-missing', actor: 'administrator' },
    retried: true,
    says: ['sandbox'],
  },
  {
    what: 'LimitRange: two violations at once',
    answer: {
      status: 403,
      reason: 'Forbidden',
      message:
        'pods "project-5b0f2c9e-0c1a-4c64-9f7b-6a2f0a5c7d31-k3x9q" is forbidden: [maximum memory usage per Container is 2Gi, but limit is 4Gi, cpu max limit to request ratio per Container is 4, but provided ratio is 5.000000]',
      details: { kind: 'pods' },
    },
    expected: { reason: 'limit-range', actor: 'administrator' },
    retried: false,
    says: ['memory', '2Gi'],
  },
  {
    what: 'LimitRange: a minimum of the request',
    answer: {
      status: 403,
      reason: 'Forbidden',
      message:
        'pods "project-5b0f2c9e-0c1a-4c64-9f7b-6a2f0a5c7d31-k3x9q" is forbidden: minimum cpu usage per Container is 100m, but request is 25m',
      details: { kind: 'pods' },
    },
    expected: { reason: 'limit-range', actor: 'administrator' },
    retried: false,
    says: ['cpu', '100m', '25m'],
  },
  {
    what: 'the quota counts pods',
    answer: {
      status: 403,
      reason: 'Forbidden',
      message:
        'pods "project-5b0f2c9e-0c1a-4c64-9f7b-6a2f0a5c7d31-k3x9q" is forbidden: exceeded quota: tenant, requested: pods=1, used: pods=50, limited: pods=50',
      details: { kind: 'pods' },
    },
    expected: { reason: 'quota-exceeded', actor: 'administrator' },
    retried: false,
    says: ['quota', 'pods'],
  },
  {
    what: 'LimitedResources of the API server: no quota covers the priority class',
    answer: {
      status: 403,
      reason: 'Forbidden',
      message:
        'pods "project-5b0f2c9e-0c1a-4c64-9f7b-6a2f0a5c7d31-k3x9q" is forbidden: insufficient quota to match these scopes: [{PriorityClass In [high]}]',
      details: { kind: 'pods' },
    },
    expected: { reason: 'quota-exceeded', actor: 'administrator' },
    retried: false,
    says: ['quota'],
  },
  {
    what: 'the quota was created a moment ago',
    answer: {
      status: 403,
      reason: 'Forbidden',
      message:
        'pods "project-5b0f2c9e-0c1a-4c64-9f7b-6a2f0a5c7d31-k3x9q" is forbidden: status unknown for quota: tenant, resources: limits.memory,pods',
      details: { kind: 'pods' },
    },
    expected: { reason: 'cluster-busy', actor: 'nobody' },
    retried: true,
    says: ['quota', 'again'],
  },
  {
    what: 'PodTolerationRestriction',
    answer: {
      status: 403,
      reason: 'Forbidden',
      message:
        'pods "project-5b0f2c9e-0c1a-4c64-9f7b-6a2f0a5c7d31-k3x9q" is forbidden: pod tolerations (possibly merged with namespace default tolerations) conflict with its namespace whitelist',
      details: { kind: 'pods' },
    },
    expected: { reason: 'placement-conflict', actor: 'administrator' },
    retried: false,
    says: ['toleration'],
  },
  {
    what: 'the class of a claim is changed',
    answer: {
      status: 422,
      reason: 'Invalid',
      message:
        'PersistentVolumeClaim "workspace-5b0f2c9e-0c1a-4c64-9f7b-6a2f0a5c7d31" is invalid: spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
      details: {
        kind: 'PersistentVolumeClaim',
        causes: [
          {
            reason: 'FieldValueForbidden',
            message:
              'Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
            field: 'spec',
          },
        ],
      },
    },
    expected: { reason: 'change-refused', actor: 'administrator' },
    retried: false,
    says: ['volume', 'change'],
  },
  {
    what: 'etcd: --max-request-bytes',
    answer: { status: 500, reason: '', message: 'etcdserver: request is too large', details: { kind: '' } },
    expected: { reason: 'request-too-large', actor: 'administrator' },
    retried: false,
    says: ['large'],
  },
  {
    what: 'the page of a list has expired',
    answer: {
      status: 410,
      reason: 'Expired',
      message:
        'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter',
      details: { kind: '' },
    },
    expected: { reason: 'cluster-error', actor: 'nobody' },
    retried: true,
    says: ['too old'],
  },
  {
    what: 'etcd is slow',
    answer: { status: 500, reason: '', message: 'etcdserver: request timed out', details: { kind: '' } },
    expected: { reason: 'cluster-error', actor: 'administrator' },
    retried: true,
    says: ['500'],
  },
  {
    what: 'an aggregated or starting API server',
    answer: {
      status: 503,
      reason: 'ServiceUnavailable',
      message: 'the server is currently unable to handle the request',
      details: { kind: '' },
    },
    expected: { reason: 'cluster-error', actor: 'administrator' },
    retried: true,
    says: ['503'],
  },
  {
    what: 'the request took too long',
    answer: {
      status: 504,
      reason: 'Timeout',
      message: 'Timeout: request did not complete within requested timeout - context deadline exceeded',
      details: { kind: '' },
    },
    expected: { reason: 'cluster-busy', actor: 'nobody' },
    retried: true,
    says: ['time'],
  },
  {
    what: 'a create meets the pod of before',
    answer: {
      status: 409,
      reason: 'AlreadyExists',
      message: 'object is being deleted: pods "project-5b0f2c9e-0c1a-4c64-9f7b-6a2f0a5c7d31-k3x9q" already exists',
      details: { kind: 'pods' },
    },
    expected: { reason: 'cluster-busy', actor: 'nobody' },
    retried: true,
    says: ['deleted'],
  },
  {
    what: 'AKS with Azure RBAC adds its own words',
    answer: {
      status: 403,
      reason: 'Forbidden',
      message:
        'persistentvolumeclaims is forbidden: User "2f6d1a0e-7c11-4a44-9d5e-1b8f0f6a7c11" cannot create resource "persistentvolumeclaims" in API group "" in the namespace "opencode": User does not have access to the resource in Azure. Update role assignment to allow access.',
      details: { kind: 'persistentvolumeclaims' },
    },
    expected: { reason: 'forbidden', actor: 'administrator' },
    retried: true,
    says: ['permission', 'persistentvolumeclaims'],
  },
  {
    what: 'ImagePolicyWebhook',
    answer: {
      status: 403,
      reason: 'Forbidden',
      message:
        'pods "project-5b0f2c9e-0c1a-4c64-9f7b-6a2f0a5c7d31-k3x9q" is forbidden: image policy webhook backend denied one or more images: registry.example.com/opencode:1.18.33 has 3 critical vulnerabilities',
      details: { kind: 'pods' },
    },
    expected: { reason: 'admission-denied', actor: 'administrator' },
    retried: false,
    says: ['policy', 'vulnerabilities'],
  },
  {
    what: 'the limit of requests of a namespace',
    answer: {
      status: 429,
      reason: 'TooManyRequests',
      message: 'limit reached on type Namespace for key opencode',
      details: { kind: '' },
    },
    expected: { reason: 'cluster-busy', actor: 'nobody' },
    retried: true,
    says: ['busy'],
  },
  {
    what: 'a field that this version does not know',
    answer: {
      status: 400,
      reason: 'BadRequest',
      message: 'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.resources"',
      details: { kind: 'pods' },
    },
    expected: { reason: 'invalid-spec', actor: 'administrator' },
    retried: false,
    says: ['spec.resources'],
  },
  {
    what: 'the claim is made larger',
    answer: {
      status: 403,
      reason: 'Forbidden',
      message:
        'persistentvolumeclaims "workspace-5b0f2c9e-0c1a-4c64-9f7b-6a2f0a5c7d31" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
      details: { kind: 'persistentvolumeclaims' },
    },
    expected: { reason: 'change-refused', actor: 'administrator' },
    retried: false,
    says: ['size', 'storage class'],
  },
];

/** Answers that were found in public reports, with the causes that may be named. */
const reported: [reasons: string[], status: number, message: string, says: RegExp][] = [
  [
    ['admission-denied'],
    403,
    'pods "x" is forbidden: violates PodSecurity "baseline:latest": hostPath volumes (volumes "data", "var-log")',
    /hostPath/,
  ],
  [
    ['admission-denied'],
    403,
    'pods "my-deployment-f9c7845d9-" is forbidden: PodSecurityPolicy: unable to admit pod: [spec.volumes[0]: Invalid value: "hostPath": hostPath volumes are not allowed to be used]',
    /policy/,
  ],
  [
    ['quota-unspecified'],
    403,
    'pods "chiya-api-x" is forbidden: failed quota: compute-quota: must specify limits.cpu for: podinfo; limits.memory for: podinfo; requests.cpu for: podinfo',
    /cpu.*memory/,
  ],
  [
    ['admission-denied'],
    403,
    'pods "ai-gateway-kong-65cfcb476c-" is forbidden: unable to validate against any security context constraint: [provider "anyuid": Forbidden: not usable by user or serviceaccount, provider "pipelines-scc": Forbidden: not usable by user or serviceaccount]',
    /policy/,
  ],
  [
    ['quota-exceeded'],
    403,
    'pods "capybara-ds7zk" is forbidden: exceeded quota: quota-pods, requested: count/pods=1, used: count/pods=1, limited: count/pods=1',
    /pods/,
  ],
  [
    ['admission-denied', 'refused'],
    403,
    'pods "pause-7774d79b5-" is forbidden: no providers available to validate pod request',
    /providers/,
  ],
  [
    ['admission-denied'],
    403,
    'pods "pause" is forbidden: unable to validate against any pod security policy: []',
    /policy/,
  ],
  [
    ['admission-denied'],
    403,
    'admission webhook "policy.example.dev" denied the request: containers must use images from registry.devpolaris.example',
    /registry\.devpolaris/,
  ],
  [
    ['admission-denied'],
    400,
    'admission webhook "validate.kyverno.svc-fail" denied the request: \n\nresource Pod/kca-lab/demo was blocked due to the following policies\n\nkca-5-7-team-registry:\n  pod-team-must-be-registered: \'failed to load context: failed to fetch data for\n    APICall: failed to execute APICall: teams.kca.example.com',
    /kca-5-7-team-registry.*failed to load context/,
  ],
  [
    ['admission-denied'],
    400,
    'admission webhook "validate.kyverno.svc-fail" denied the request: \n\n\nresource PlacementRule/policy-generator-blog/placement was blocked due to the following policies\n\n\ndisallow-placementrules:\n  disallow-placementrules: Using Placement Rules not allowed',
    /not allowed/,
  ],
  [
    ['admission-denied'],
    400,
    'admission webhook "validate.kyverno.svc-fail" denied the request:\n\nresource Pod/default/rogue2 was blocked due to the following policies:\n\nrestrict-image-registries:\n  validate-registry: \'validation failure: Las imágenes deben venir de ghcr.io/miorg\'',
    /restrict-image-registries.*"Las/,
  ],
  [
    ['admission-denied'],
    400,
    'admission webhook "nirmata.kyverno.mutating-webhook" denied the request:\nPolicy check-container-security-context failed; rulename: check-root-user;None of anyPattern succeed: [Failed to validate value <nil> with pattern true.',
    /check-container/,
  ],
  [
    ['admission-denied'],
    422,
    'admission webhook "vdataprepperpipeline.kb.io" denied the request: spec.pipelines[0]: exactly one source type must be specified',
    /exactly one source/,
  ],
  [
    ['invalid-spec'],
    422,
    'Pod "x" is invalid: metadata.annotations: Too long: must have at most 262144 bytes',
    /metadata\.annotations/,
  ],
  [
    ['admission-unavailable'],
    500,
    'Internal error occurred: failed calling webhook "validate.nginx.ingress.kubernetes.io": an error on the server ("") has prevented the request from succeeding',
    /webhook.*error/,
  ],
  [
    ['admission-unavailable'],
    500,
    'Internal error occurred: failed calling webhook "validate.kyverno.svc-fail": failed to call webhook: Post "https://kyverno-svc.kyverno.svc:443/validate/fail?timeout=10s": No agent available:',
    /reached/,
  ],
  [
    ['cluster-error'],
    500,
    'an error on the server ("unknown") has prevented the request from succeeding (get pods)',
    /500/,
  ],
  [
    ['admission-denied'],
    422,
    'admission webhook "virtualmachine-validator.kubevirt.io" denied the request: Authorization failed, message is: User system:serviceaccount:legacy-company:default has insufficient permissions in clone source namespace',
    /Authorization failed/,
  ],
  [
    ['forbidden'],
    403,
    'persistentvolumeclaims "mock-pvc-test" is forbidden: User "system:serviceaccount:mock:manager" cannot update resource "persistentvolumeclaims" in API group "" in the namespace "default"',
    /update persistentvolumeclaims/,
  ],

  [['forbidden'], 403, 'pods is forbidden: User "sa" cannot list pods in the namespace "default"', /list pods/],
  [
    ['forbidden'],
    403,
    'pods "pod-labeler-c7b4fd44d-mr8qh" is forbidden: User "system:serviceaccount:default:pod-labeler" cannot patch pods in the namespace "default": Unknown user "system:serviceaccount:default:pod-labeler"',
    /patch pods/,
  ],
  [['cluster-busy'], 403, 'pods "p" is forbidden: not yet ready to handle request', /ready/],
  [
    ['quota-exceeded'],
    403,
    'persistentvolumeclaims "w" is forbidden: exceeded quota: q, requested: gp3.storageclass.storage.k8s.io/requests.storage=5Gi, used: gp3.storageclass.storage.k8s.io/requests.storage=48Gi, limited: gp3.storageclass.storage.k8s.io/requests.storage=50Gi',
    /storage of the storage class gp3/,
  ],
  [
    ['quota-exceeded'],
    403,
    'persistentvolumeclaims "w" is forbidden: exceeded quota: q, requested: persistentvolumeclaims=1, used: persistentvolumeclaims=10, limited: persistentvolumeclaims=10',
    /of volumes/,
  ],
  [
    ['admission-unavailable'],
    500,
    'Internal error occurred: failed calling webhook "validate.kyverno.svc-fail": failed to call webhook: Post "https://kyverno-svc.kyverno.svc:443/validate/fail?timeout=10s": dial tcp 10.96.3.4:443: connect: connection refused',
    /could not be reached/,
  ],
  [
    ['admission-denied'],
    400,
    'admission webhook "warden-validating.common-webhooks.networking.gke.io" denied the request: GKE Warden rejected the request because it violates one or more constraints.\nViolations details: {"[denied by autogke-no-write-mode-hostpath]":["hostPath volume data in container opencode-server is accessed in write mode; disallowed in Autopilot."]}',
    /autogke-no-write-mode-hostpath.*hostPath volume/,
  ],
];

describe('diagnoseRefusal', () => {
  it.each(refusals)('gives cause, actor and retry rule: $what', ({ answer, expected, retried, says }) => {
    const refusal = diagnoseRefusal(answer);
    expect(refusal).toMatchObject(expected);
    expect(refusal.kind === 'terminal').toBe(!retried);
    for (const fact of says) expect(refusal.message.toLowerCase() + refusal.nextStep).toContain(fact.toLowerCase());
    expect(refusal.message).toMatch(/^[A-Z].*\.$/);
    expect(refusal.message.length + refusal.nextStep.length).toBeLessThan(420);
  });

  it.each(reported)('names one of %j for HTTP %i: %s', (reasons, status, message, says) => {
    const refusal = diagnoseRefusal({ status, reason: '', message, details: { kind: 'pods' } });
    expect(reasons).toContain(refusal.reason);
    expect(refusal.message).toMatch(says);
  });

  it('a 404 without a Status object says nothing about the object', () => {
    expect(diagnoseRefusal({ status: 404 })).toMatchObject({ reason: 'cluster-error', kind: 'transient' });
  });
});

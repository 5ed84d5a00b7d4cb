/**
 * For each reason, the rule that gives it and the place in Kubernetes, or in another program, that the rule follows. The page of
 * reasons shows both.
 */

import type { ReasonCode } from '../../src/shared/contract/reasons.ts';

export interface RuleSource {
  rule: string;
  /** A file of the program, or its documentation. */
  source: string;
}

const from = (rule: string, source: string): RuleSource => ({ rule, source });
const runtime = (rule: string, source: string) => from(`the runtime's text, without names: ${rule}`, source);

export const reasonSources = {
  // Refusals.
  unauthorized: from('HTTP 401', 'apimachinery `pkg/api/errors`'),
  forbidden: from(
    '`… is forbidden: User "…" cannot VERB …`, and nothing else',
    'apiserver `responsewriters/errors.go`',
  ),
  refused: from('HTTP 403 without a known cause, quoted', 'apimachinery `pkg/api/errors`'),
  'quota-exceeded': from(
    'the cause begins with `exceeded quota`, `insufficient quota`',
    'apiserver `plugin/resourcequota`',
  ),
  'quota-unspecified': from('the cause begins with `failed quota: … must specify`', 'apiserver `plugin/resourcequota`'),
  'limit-range': from(
    '`minimum|maximum … usage per`, `limit to request ratio per`',
    '`plugin/pkg/admission/limitranger`',
  ),
  'placement-conflict': from(
    'the cause begins with `pod node label selector`, `pod tolerations`',
    '`plugin/pkg/admission/podnodeselector`',
  ),
  'priority-class-missing': from(
    'the cause begins with `no PriorityClass with name`',
    '`plugin/pkg/admission/priority`',
  ),
  'runtime-class-missing': from(
    'the cause begins with `pod rejected: RuntimeClass`',
    '`plugin/pkg/admission/runtimeclass`',
  ),
  'service-account-missing': from(
    'the cause begins with `error looking up service account`',
    '`plugin/pkg/admission/serviceaccount`',
  ),
  'admission-denied': from(
    '`admission webhook "…" denied the request`, `…AdmissionPolicy \'…\' … denied request`, `violates PodSecurity`, SCC; any status',
    'apiserver `webhook/errors/statuserror.go`, `policy/validating`; `pod-security-admission`',
  ),
  'admission-unavailable': from('`failed calling webhook`', 'apiserver `plugin/webhook/errors`'),
  'namespace-missing': from('404 with `details.kind` namespaces', 'apiserver `plugin/namespace/lifecycle`'),
  'namespace-terminating': from('`details.causes` has NamespaceTerminating', 'apiserver `plugin/namespace/lifecycle`'),
  'invalid-name': from(
    '400, 422 with the field `metadata.name` in `details.causes`',
    'apimachinery `pkg/api/validation`',
  ),
  'change-refused': from(
    '422 with an immutable field; resize of a claim',
    '`pkg/apis/core/validation`; `persistentvolume/resize`',
  ),
  'invalid-spec': from(
    '400, 422: the fields in `details.causes`. What somebody wrote in a field is no cause',
    'apimachinery `pkg/api/errors`, `util/validation/field`',
  ),
  'request-too-large': from('413; `request is too large` of etcd', 'apimachinery `pkg/api/errors`; etcd `rpctypes`'),
  'api-unsupported': from('404 without an object, 405, 406, 415', 'apimachinery `NewGenericServerResponse`'),
  'name-conflict': from('409 with AlreadyExists', 'apimachinery `pkg/api/errors`'),
  'cluster-busy': from('409 Conflict, 408, 429, 504', 'apimachinery `pkg/api/errors`'),
  'eviction-blocked': from('429 with the cause DisruptionBudget', '`pkg/registry/core/pod/storage/eviction.go`'),
  'cluster-error': from('410, other 5xx, answers that are not of the API', 'apimachinery `pkg/api/errors`'),

  // Images.
  'image-not-found': runtime('not found, manifest or name unknown', 'OCI distribution: MANIFEST_UNKNOWN, NAME_UNKNOWN'),
  'image-denied': runtime('denied, unauthorized, sign-in expired', 'OCI distribution: DENIED, UNAUTHORIZED'),
  'image-rate-limited': runtime(
    '429, toomanyrequests; `pull QPS exceeded`',
    'OCI distribution; `pkg/kubelet/images/puller.go`',
  ),
  'image-unreachable': runtime('DNS, connection, 5xx, proxy, broken download', 'Go `net`; containerd `remotes/docker`'),
  'image-untrusted': runtime('x509, no TLS, signature', 'Go `crypto/x509`; containers/image `signature`'),
  'image-wrong-platform': runtime(
    'no match for platform; `exec format error`; on Windows, another version of the system',
    'containerd `images`; containers/image `manifest`; hcsshim `hcs/errors.go`',
  ),
  'image-absent': from('waiting reason ErrImageNeverPull', '`pkg/kubelet/images/image_manager.go`'),
  'image-invalid-name': from(
    'waiting reason InvalidImageName; short names',
    '`pkg/kubelet/images`; containers/image `shortnames`',
  ),
  'image-pull-failed': from('damaged, not unpacked, or quoted', 'containerd `content`, `archive`'),
  'node-disk-full': runtime('no space left on device', 'ENOSPC of the node'),

  // Containers.
  'config-missing': from(
    'CreateContainerConfigError: a key or an object is not found',
    '`pkg/kubelet/kubelet_pods.go`',
  ),
  'config-error': from('CreateContainerConfigError: paths, late caches, or quoted', '`pkg/kubelet/kubelet_pods.go`'),
  'image-user': from(
    'runAsNonRoot; user not in the image',
    '`kuberuntime/security_context.go`; runc `libcontainer/user`',
  ),
  interrupted: from(
    'ContainerStatusUnknown; 255 with Unknown',
    '`pkg/kubelet/kubelet_pods.go`; containerd `restart.go`',
  ),
  'create-container-error': from('CreateContainerError, or quoted', 'containerd `oci`, CRI-O `server`'),
  'start-error': from('StartError, RunContainerError: the command, or quoted', 'runc `libcontainer`'),
  'hook-failed': from('event FailedPostStartHook at the end of the run', '`kuberuntime_container.go`'),
  'crash-loop': from('the exit code and the signal', '`man 7 signal`'),
  'completed-loop': from('exit code 0 of a container that should run', 'Pod lifecycle'),
  'out-of-memory': from(
    'reason OOMKilled; a limit that is too low to start',
    'containerd `events`; runc `process_linux.go`',
  ),
  'init-failed': from('exit code of an init container', 'Init containers'),
  'liveness-failing': from('event Killing of the run', '`kuberuntime_manager.go`'),
  'startup-failing': from('event Killing of the run', '`kuberuntime_manager.go`'),
  'readiness-failing': from('event Unhealthy of the run', '`pkg/kubelet/prober`'),

  // Ends of pods.
  evicted: from('Evicted by a limit of the pod, or quoted', '`pkg/kubelet/eviction/eviction_manager.go`'),
  'node-pressure': from('Evicted: the node was low on, or had a condition', '`pkg/kubelet/eviction/helpers.go`'),
  'node-shutdown': from('reason Terminated, NodeShutdown', '`pkg/kubelet/nodeshutdown`'),
  'node-refused': from(
    'the reason of the admission: NodeAffinity, OutOf…; UnexpectedAdmissionError: a full disk, devices, or quoted',
    '`pkg/kubelet/lifecycle/predicate.go`, `cm/devicemanager`',
  ),
  'deadline-exceeded': from('reason DeadlineExceeded', '`pkg/kubelet/active_deadline.go`'),
  preempted: from('DisruptionTarget PreemptionByScheduler; Preempting', '`pkg/scheduler/framework/preemption`'),
  drained: from('DisruptionTarget EvictionByEvictionAPI', '`pkg/registry/core/pod/storage/eviction.go`'),
  'node-lost': from(
    'DisruptionTarget DeletionByTaintManager, DeletionByPodGC; NodeLost',
    '`pkg/controller/tainteviction`, `podgc`',
  ),
  'pod-gone': from('the pod does not exist; its last events', 'Pod lifecycle'),
  completed: from('phase Succeeded', 'Pod lifecycle'),
  'pod-failed': from('phase Failed: the exit code, or quoted', 'Pod lifecycle'),
} satisfies Partial<Record<ReasonCode, RuleSource>>;

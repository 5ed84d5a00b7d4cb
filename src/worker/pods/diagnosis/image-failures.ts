/** Why an image cannot be pulled. Only the message of the container runtime says so. */

import type { ReasonCode } from '../../../shared/contract/reasons.ts';
import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import type { ContainerStatus } from '../kube/kubernetes-pod.ts';
import { createDiagnosis, type Diagnosis } from './diagnosis.ts';
import { evidenceOf, evidenceOfEvent } from './evidence.ts';

export const imageWaitingReasons: ReadonlySet<string> = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
]);

/** The image reasons that mean a failed pull. A slow pull has not failed, and an invalid name is never pulled. */
type PullFailure = Exclude<Extract<ReasonCode, `image-${string}`>, 'image-pulling-slow' | 'image-invalid-name'>;

/** The first match counts. The order matters: "no such host" and "not found" may both be in one message. */
const causes: readonly (readonly [PullFailure, RegExp])[] = [
  ['image-untrusted', /x509|certificate|signature|http: server gave HTTP response to HTTPS client/i],
  ['image-rate-limited', /toomanyrequests|too many requests|\b429\b|rate limit/i],
  [
    'image-unreachable',
    /no such host|server misbehaving|connection refused|connection reset|no route to host|network is unreachable|i\/o timeout|timeout exceeded|deadline exceeded|TLS handshake timeout|unexpected EOF|: EOF|\b50[0234]\b|service unavailable|bad gateway|RegistryUnavailable/i,
  ],
  [
    'image-denied',
    /denied|unauthorized|authentication required|authorization failed|forbidden|no basic auth|\b40[13]\b/i,
  ],
  ['image-not-found', /not found|manifest unknown|does not exist|no match for platform|\b404\b|ErrImageNeverPull/i],
];

export function diagnoseImage(container: ContainerStatus, image: string, events: KubernetesEvent[]): Diagnosis {
  const waiting = container.state.waiting ?? {};
  const failed = events.findLast(
    ({ involvedObject, reason, message }) =>
      involvedObject.container === container.name &&
      reason === 'Failed' &&
      /^(failed to pull|error: .*pull|container image .* is not present)/i.test(message) &&
      message.length > 40,
  );
  const text = [waiting.reason, waiting.message, failed?.message].filter(Boolean).join(' ');
  const reason = waiting.reason === 'SignatureValidationFailed' ? 'image-untrusted' : pullFailure(text, image);
  return createDiagnosis({
    state: 'failing',
    reason,
    ...pullFailureTexts(reason, `The image "${image}" of the container ${container.name}`),
    since: failed?.firstAt ?? null,
    evidence: [
      evidenceOf({
        source: 'container',
        subject: container.name,
        text: waiting.message ?? waiting.reason,
        reason: waiting.reason ?? null,
      }),
      ...(failed ? [evidenceOfEvent(failed)] : []),
    ],
  });
}

function pullFailure(text: string, image: string): PullFailure {
  // The runtime quotes the image, and the name of an image may contain any of the phrases above.
  const withoutImage = image === '' ? text : text.replaceAll(image, '');
  return causes.find(([, pattern]) => pattern.test(withoutImage))?.[0] ?? 'image-pull-failed';
}

/** @param image for example 'The image "registry.example.com/app:v1" of the container opencode-server' */
function pullFailureTexts(reason: PullFailure, image: string): { message: string; nextStep: string } {
  const retries = 'Kubernetes tries again by itself, at growing intervals.';
  switch (reason) {
    case 'image-not-found':
      return {
        message: `${image} was not found in its registry.`,
        nextStep: `An administrator must correct its name or push it. ${retries}`,
      };
    case 'image-denied':
      return {
        message: `${image} was denied by its registry, which requires a sign-in that the cluster does not have.`,
        nextStep: `An administrator must check the pull secret. ${retries}`,
      };
    case 'image-rate-limited':
      return {
        message: `${image} could not be pulled: its registry has received too many requests from this cluster.`,
        nextStep: `${retries} If this continues, an administrator must sign in at the registry or use a copy of the image.`,
      };
    case 'image-unreachable':
      return {
        message: `${image} could not be pulled: its registry could not be reached, or does not answer correctly.`,
        nextStep: `${retries} If this continues, an administrator must check the registry and the network.`,
      };
    case 'image-untrusted':
      return {
        message: `${image} could not be pulled: the certificate or signature of its registry is not trusted.`,
        nextStep: 'An administrator must make the nodes trust it.',
      };
    case 'image-pull-failed':
      return {
        message: `${image} could not be pulled.`,
        nextStep: `${retries} If this continues, an administrator must check the registry.`,
      };
  }
}

export function diagnoseImageName(container: ContainerStatus, image: string): Diagnosis {
  return createDiagnosis({
    state: 'failing',
    reason: 'image-invalid-name',
    message: `The image name "${image}" of the container ${container.name} is not valid.`,
    nextStep: 'An administrator must correct the name in the settings.',
    evidence: [
      evidenceOf({
        source: 'container',
        subject: container.name,
        text: container.state.waiting?.message ?? 'InvalidImageName',
        reason: 'InvalidImageName',
      }),
    ],
  });
}

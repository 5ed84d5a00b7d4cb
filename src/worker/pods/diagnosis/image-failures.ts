/** Why an image cannot be pulled, from the words of the container runtime: they are the only thing that tells. */

import type { Evidence } from '../../../shared/contract/diagnosis.ts';
import type { ReasonCode } from '../../../shared/contract/reasons.ts';
import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import type { ContainerStatus } from '../kube/kubernetes-pod.ts';
import { eventPiece, diagnosis, lastEvent, piece, type Diagnosis } from './pod-snapshot.ts';

export const imageWaitingReasons: ReadonlySet<string> = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
]);

type ImageReason = Extract<ReasonCode, `image-${string}`>;

/** In the order in which they are asked: a registry that cannot be reached says "not found" of its own name. */
const causes: readonly (readonly [ImageReason, RegExp])[] = [
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

function imageReason(text: string): ImageReason {
  return causes.find(([, pattern]) => pattern.test(text))?.[0] ?? 'image-pull-failed';
}

/** The image in question is quoted in the runtime's words, and its name may hold any of the words that are looked for. */
function withoutName(text: string, image: string): string {
  return image === '' ? text : text.replaceAll(image, '');
}

export function diagnoseImage(container: ContainerStatus, image: string, events: KubernetesEvent[]): Diagnosis {
  const waiting = container.state.waiting ?? {};
  const failed = lastEvent(
    events,
    ({ of, reason, message }) =>
      of.container === container.name &&
      reason === 'Failed' &&
      /^(failed to pull|error: .*pull|container image .* is not present)/i.test(message) &&
      message.length > 40,
  );
  const text = [waiting.reason, waiting.message, failed?.message].filter(Boolean).join(' ');
  const reason =
    waiting.reason === 'SignatureValidationFailed' ? 'image-untrusted' : imageReason(withoutName(text, image));
  const evidence: Evidence[] = [
    piece('container', container.name, waiting.message ?? waiting.reason, { reason: waiting.reason ?? null }),
    ...(failed ? [eventPiece(failed)] : []),
  ];
  const what = `The image "${image}" of the container ${container.name}`;
  const again = 'It is tried again by itself, at growing intervals';
  const words: Record<ImageReason, { message: string; nextStep: string }> = {
    'image-not-found': {
      message: `${what} was not found in its registry.`,
      nextStep: `An administrator must correct its name or push it. ${again}.`,
    },
    'image-denied': {
      message: `${what} was denied by its registry: it asks for a sign-in that the cluster does not have.`,
      nextStep: `An administrator must check the pull secret. ${again}.`,
    },
    'image-rate-limited': {
      message: `${what} was not given out: its registry has had too many requests from here.`,
      nextStep: `${again}. If it stays so, an administrator must sign in at the registry or use a copy of the image.`,
    },
    'image-unreachable': {
      message: `${what} could not be pulled: its registry could not be reached or does not answer as it should.`,
      nextStep: `${again}. If it stays so, an administrator must look at the registry and the network.`,
    },
    'image-untrusted': {
      message: `${what} could not be pulled: the certificate or signature of its registry is not trusted.`,
      nextStep: 'An administrator must make the nodes trust it.',
    },
    'image-invalid-name': { message: '', nextStep: '' }, // has a state of its own, below
    'image-pulling-slow': { message: '', nextStep: '' }, // is no failure
    'image-pull-failed': {
      message: `${what} could not be pulled.`,
      nextStep: `${again}. If it stays so, an administrator must look at the registry.`,
    },
  };
  return diagnosis('failing', reason, words[reason], { evidence, since: failed?.firstAt ?? null });
}

export function diagnoseImageName(container: ContainerStatus, image: string): Diagnosis {
  return diagnosis(
    'failing',
    'image-invalid-name',
    {
      message: `The image name "${image}" of the container ${container.name} is not a valid name.`,
      nextStep: 'An administrator must correct it in the settings.',
    },
    {
      evidence: [
        piece('container', container.name, container.state.waiting?.message ?? 'InvalidImageName', {
          reason: 'InvalidImageName',
        }),
      ],
    },
  );
}

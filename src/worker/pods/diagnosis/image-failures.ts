/** An image that cannot be pulled: of a container, or of a volume that is an image. */

import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import type { ContainerStatus, KubernetesPod } from '../kube/kubernetes-pod.ts';
import { createDiagnosis, type Diagnosis } from './diagnosis.ts';
import { evidenceOf, evidenceOfEvent } from './evidence.ts';
import { imageCauseOf, imageCauseOfReason, type ImageCause } from './image-causes.ts';
import { causeUnknown, quoted, withoutNames } from './report-text.ts';

export const imageWaitingReasons: ReadonlySet<string> = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'ImageInspectError',
  'InvalidImageName',
  'RegistryUnavailable',
  'SignatureValidationFailed',
]);

export function diagnoseImage(container: ContainerStatus, pod: KubernetesPod, events: KubernetesEvent[]): Diagnosis {
  const { reason = '', message = '' } = container.state.waiting ?? {};
  const failed = events.findLast(
    ({ involvedObject, reason: eventReason, message: text }) =>
      involvedObject.container === container.name &&
      eventReason === 'Failed' &&
      text.length > 40 &&
      /^(?:failed to pull|error: .*pull|container image .* is not present)/i.test(text),
  );
  // Before Kubernetes 1.29, only the event says why.
  const texts = [message, failed?.message ?? ''].filter((text) => !/^(?:back-off pulling image "[^"]*")?$/i.test(text));
  const image = imageOf(pod, container.name);
  const known = causeOf(reason, texts, [image, ...volumesOf(pod).map(({ reference }) => reference)]);
  const lost =
    known?.reason === 'image-denied' ? events.findLast((event) => event.reason === secretNotFound) : undefined;
  const cause = known && lost ? withoutSecret(known, lost) : known;
  const subject = subjectOf(pod, container.name, texts[0] ?? '');
  return createDiagnosis({
    state: 'failing',
    reason: cause?.reason ?? 'image-pull-failed',
    message: cause
      ? `${subject} ${cause.what}.`
      : `${subject} could not be pulled. ${quoted(withoutSecondAttempt(texts[0] ?? ''))}`.trim(),
    nextStep: nextStepOf(cause),
    ...(cause?.actor ? { actor: cause.actor } : {}),
    since: failed?.firstAt ?? null,
    evidence: [
      evidenceOf({ source: 'container', subject: container.name, text: message || reason, reason: reason || null }),
      ...(failed ? [evidenceOfEvent(failed)] : []),
      ...(lost ? [evidenceOfEvent(lost)] : []),
    ],
  });
}

/** The event of the kubelet about a pull secret that does not exist. It pulls without it, and the registry refuses for that reason. */
const secretNotFound = 'FailedToRetrieveImagePullSecret';

function withoutSecret(cause: ImageCause, { message }: KubernetesEvent): ImageCause {
  const [, names] = /\(([^)]+)\)/.exec(message) ?? [];
  const secret = names === undefined ? 'a pull secret' : `the pull secret ${names}`;
  return {
    ...cause,
    what: `was denied by its registry, and ${secret} with the sign-in does not exist`,
    toDo: 'an administrator must create the secret in the namespace of the projects, or correct its name in the settings',
  };
}

function causeOf(reason: string, texts: string[], names: string[]): ImageCause | null {
  const [newest = ''] = texts;
  // `pkg/kubelet/images/pullmanager`: the image is there, but this pod has no credentials for it.
  const hidden = reason === 'ErrImageNeverPull' && /credentials/i.test(newest);
  const known = hidden ? undefined : imageCauseOfReason[reason];
  if (known) return known;
  if (reason === 'InvalidImageName') return imageCauseOf('invalid reference format');
  // The inspection of an image on the node says nothing about a registry.
  if (reason === 'ImageInspectError') return null;
  for (const text of texts) {
    // The kubelet itself guesses so for Docker, whatever the registry said.
    const said = withoutSecondAttempt(text).replace(
      /this may be because there are no credentials on this request/i,
      '',
    );
    const cause = imageCauseOf(withoutNames(said, names));
    if (cause) return cause;
  }
  return null;
}

/**
 * cri-o `internal/storage/image.go`: "pull image err: …; artifact err: …". It tries a name as an artifact when it is no image that can be
 * pulled, which says nothing about the image.
 */
const withoutSecondAttempt = (text: string) => text.replace(/; artifact err: [^]*$/, '');

function nextStepOf(cause: ImageCause | null): string {
  const retries = 'Kubernetes tries again by itself, at growing intervals.';
  if (!cause) return `${retries} ${causeUnknown('the registry and the node')}`;
  const { toDo } = cause;
  if (cause.mayPass) return `${retries} If this continues, ${toDo}.`;
  return `${toDo.charAt(0).toUpperCase()}${toDo.slice(1)}. ${retries}`;
}

function volumesOf(pod: KubernetesPod): { name: string; reference: string }[] {
  return pod.spec.volumes.flatMap(({ name, image }) =>
    image?.reference ? [{ name, reference: image.reference }] : [],
  );
}

/** The image of a volume fails in the container that mounts it. Then the text names that image, not the container's. */
function subjectOf(pod: KubernetesPod, container: string, text: string): string {
  const image = imageOf(pod, container);
  const volume = text.includes(image) ? undefined : volumesOf(pod).find(({ reference }) => text.includes(reference));
  if (volume) return `The image "${volume.reference}" of the volume ${volume.name}`;
  return `The image "${image}" of the container ${container}`;
}

function imageOf(pod: KubernetesPod, name: string): string {
  return [...pod.spec.initContainers, ...pod.spec.containers].find((each) => each.name === name)?.image ?? '';
}

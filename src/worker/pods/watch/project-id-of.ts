/** Which project a Kubernetes object belongs to, by its label and its name. */

import { projectIdLabel } from '../kube/manifests.ts';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The id in the label, if the name of the object contains it too. Anybody may put our label on any object. */
export function projectIdOf(object: { metadata: { name: string; labels: Record<string, string> } }): string | null {
  const id = object.metadata.labels[projectIdLabel] ?? '';
  return uuid.test(id) && object.metadata.name.includes(id) ? id : null;
}

/** The id in the name of an object whose labels cannot be read. */
export function projectIdInName(name: string): string | null {
  return /^(?:project|workspace)-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:-|$)/.exec(name)?.[1] ?? null;
}

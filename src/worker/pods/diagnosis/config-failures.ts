/**
 * `CreateContainerConfigError`: the kubelet could not put the settings of a container together (`kuberuntime_container.go`,
 * `generateContainerConfig`). The reason covers missing objects, the user of the image, paths and sources that are not read yet.
 */

import type { Actor } from '../../../shared/contract/diagnosis.ts';
import type { ReasonCode } from '../../../shared/contract/reasons.ts';
import type { ContainerCase } from './container-case.ts';
import { nameContainer } from './container-roles.ts';
import { createDiagnosis, type Diagnosis } from './diagnosis.ts';
import { evidenceOf } from './evidence.ts';
import { causeUnknown, quoted } from './report-text.ts';

interface ConfigCause {
  reason: ReasonCode;
  /** Follows the name of the container. */
  what: string;
  toDo: string;
  actor?: Actor;
}

const provideIt = 'An administrator must provide it. The start then continues by itself.';

export function diagnoseConfig({ container }: ContainerCase): Diagnosis {
  const { message = '', reason = '' } = container.state.waiting ?? {};
  const cause = causeOf(message);
  const subject = nameContainer(container.name);
  return createDiagnosis({
    state: 'failing',
    reason: cause?.reason ?? 'config-error',
    message: cause
      ? `${subject} ${cause.what}.`
      : `${subject} cannot be created with its settings. ${quoted(message)}`.trim(),
    nextStep: cause?.toDo ?? causeUnknown('the settings of the pod'),
    ...(cause?.actor ? { actor: cause.actor } : {}),
    evidence: [evidenceOf({ source: 'container', subject: container.name, text: message || reason, reason })],
  });
}

function causeOf(message: string): ConfigCause | null {
  return missingKey(message) ?? missingObject(message) ?? imageUser(message) ?? path(message) ?? notReadYet(message);
}

/** `kubelet_pods.go`, `makeEnvironmentVariables`: "couldn't find key K in ConfigMap ns/name". */
function missingKey(message: string): ConfigCause | null {
  const match = /couldn't find key (\S+) in (ConfigMap|Secret) (?:\S+\/)?([\w.-]+)/i.exec(message);
  if (!match) return null;
  return {
    reason: 'config-missing',
    what: `lacks a part of its configuration: the key ${match[1]} is not in the ${match[2]} ${match[3]}`,
    toDo: provideIt,
  };
}

/** The API's own text for a missing object: `secret "name" not found`. */
function missingObject(message: string): ConfigCause | null {
  const match = /\b(configmap|secret)s? "?([\w.-]+)"? not found/i.exec(message);
  if (!match) return null;
  const kind = match[1]?.toLowerCase() === 'secret' ? 'Secret' : 'ConfigMap';
  return {
    reason: 'config-missing',
    what: `lacks a part of its configuration: the ${kind} ${match[2]} was not found`,
    toDo: provideIt,
  };
}

/** `kuberuntime/security_context.go`, `verifyRunAsNonRoot`. */
function imageUser(message: string): ConfigCause | null {
  const toDo = 'An administrator must set a numeric user in the image or in the settings.';
  const name = /non-numeric user \(([^)]*)\)/i.exec(message)?.[1];
  if (name !== undefined || /non-numeric user/i.test(message)) {
    return {
      reason: 'image-user',
      what: `may not run as root, and the user of its image${name ? ` ("${name}")` : ''} is a name instead of a number, so nobody can tell whether it is root`,
      toDo,
    };
  }
  if (!/runAsNonRoot|non-root|runAsUser/i.test(message)) return null;
  return { reason: 'image-user', what: 'may not run as root, but its image or its settings run it as root', toDo };
}

/** `kubelet_pods.go`, `makeMounts`. */
function path(message: string): ConfigCause | null {
  const volume = /volume(?:Mount)? "([^"]+)"/i.exec(message)?.[1];
  const inVolume = volume === undefined ? '' : ` of the volume "${volume}"`;
  if (/subPath/i.test(message)) {
    return {
      reason: 'config-error',
      what: `cannot be created: the folder${inVolume} that it mounts (subPath) could not be prepared`,
      toDo: 'An administrator must check this path and the files on the volume.',
    };
  }
  return null;
}

/** `kubelet_pods.go` and `util/manager`: the kubelet has just started, or its caches are late. */
function notReadYet(message: string): ConfigCause | null {
  const isLate = /failed to sync \S+ cache|have not yet been read|not registered|host ?IP unknown/i.test(message);
  if (!isLate) return null;
  return {
    reason: 'config-error',
    what: 'waits: its node (machine) has not read its configuration yet',
    toDo: 'Kubernetes tries again by itself. If this continues, an administrator must check the node.',
    actor: 'nobody',
  };
}

/**
 * Refusals by authorization and by admission plugins. They share HTTP 403, and only a missing permission is one of the worker.
 * Each plugin writes `… is forbidden: ` and then its cause; the rules look at the start of that cause.
 */

import { joinWithAnd } from './join-with-and.ts';
import { objectOf, type Answer, type RefusalTexts } from './refusal.ts';
import { policyRefusal } from './refused-by-policy.ts';

type Rule = (answer: Answer) => RefusalTexts | null;

/** The first rule that applies counts. Permissions come first, and policies second, because policies quote texts of people. */
const rules: Rule[] = [
  permission,
  namespaceTerminating,
  policyRefusal,
  notReadyYet,
  quota,
  limitRange,
  serviceAccount,
  priorityClass,
  runtimeClass,
  placement,
  resize,
];

/** `null` when neither the authorizer nor a known plugin refused the request. */
export function admissionRefusal(answer: Answer): RefusalTexts | null {
  for (const rule of rules) {
    const texts = rule(answer);
    if (texts) return texts;
  }
  return null;
}

/**
 * `apiserver/pkg/endpoints/handlers/responsewriters/errors.go`: the only text of a missing permission. A role may be missing
 * for a moment, while somebody replaces it.
 */
function permission({ cause, status }: Answer): RefusalTexts | null {
  // Before Kubernetes 1.12 the resource has no quotes: `cannot list pods in the namespace "x"`.
  const match = /^User ".*?" cannot (\w+) (?:resource "([\w./-]+)"|path "([^"]+)"|([\w./-]+))/.exec(cause);
  if (!match || status !== 403) return null;
  return {
    reason: 'forbidden',
    message: `The worker lacks a permission in the cluster: it may not ${match[1]} ${match[2] ?? match[3] ?? match[4]}.`,
    nextStep: 'An administrator must grant it. Within a minute, the worker then continues by itself.',
    kind: 'transient',
  };
}

/** `plugin/namespace/lifecycle`. An administrator may be replacing the namespace, so the worker keeps trying. */
function namespaceTerminating({ causes, cause }: Answer): RefusalTexts | null {
  const isTerminating =
    causes.some(({ reason }) => reason === 'NamespaceTerminating') ||
    /^unable to create new content in namespace \S+ because it is being terminated/i.test(cause);
  if (!isTerminating) return null;
  const name = /in namespace (\S+)/.exec(cause)?.[1] ?? 'of the projects';
  return {
    reason: 'namespace-terminating',
    message: `The namespace ${name} of the cluster is being deleted, so nothing can be created in it.`,
    nextStep: 'An administrator must create it again when it is gone. The worker tries again by itself.',
    kind: 'transient',
  };
}

/** `apiserver/pkg/admission`: a plugin has not read its objects yet, because the API server has just started. */
function notReadyYet({ cause }: Answer): RefusalTexts | null {
  if (!/^not yet ready to handle request/i.test(cause)) return null;
  return {
    reason: 'cluster-busy',
    message: 'The cluster has just started and is not ready to check requests yet.',
    nextStep: 'The worker tries again by itself.',
    kind: 'transient',
  };
}

/** `apiserver/pkg/admission/plugin/resourcequota/controller.go`. */
function quota({ cause, text }: Answer): RefusalTexts | null {
  if (/^status unknown for quota/i.test(cause)) {
    return {
      reason: 'cluster-busy',
      message: 'The cluster has not counted its quota yet.',
      nextStep: 'The worker tries again by itself.',
      kind: 'transient',
    };
  }
  const unspecified = /^failed quota: ([^:]+): must specify (.*)$/i.exec(cause);
  if (unspecified) {
    const resources = joinWithAnd(resourceNames((unspecified[2] ?? '').replace(/ for: [^;]*/g, '').split(/[;,]\s*/)));
    return {
      reason: 'quota-unspecified',
      message: `The cluster's quota "${unspecified[1]}" requires that every container states how much it needs (${resources}).`,
      nextStep: 'An administrator must set it in the settings, or give the namespace default values (LimitRange).',
      kind: 'terminal',
    };
  }
  if (!/^(?:exceeded quota|insufficient quota)\b/i.test(cause)) return null;
  const requested = /requested: ([^ ]+(?:,[^ ]+)*)/.exec(text)?.[1] ?? '';
  const resources = joinWithAnd(resourceNames(requested.split(',')));
  return {
    reason: 'quota-exceeded',
    message: `The cluster's quota ${resources === '' ? '' : `of ${resources} `}is used up.`,
    nextStep: 'An administrator must raise it, or something must be stopped or deleted. Then retry.',
    kind: 'terminal',
  };
}

/**
 * "limits.memory=1280Mi", "count/pods=1" and "persistentvolumeclaims" give "memory", "pods" and "volumes". The resources of one
 * storage class have it in front (docs: concepts/policy/resource-quotas).
 */
function resourceNames(parts: string[]): string[] {
  const names = parts.flatMap((part) => {
    const name = (part.split('=')[0] ?? '').trim();
    if (!/^[\w.\-/]{1,100}$/.test(name)) return [];
    const [, storageClass, resource = ''] = /^(?:(\S+)\.storageclass\.storage\.k8s\.io\/)?(\S+)$/.exec(name) ?? [];
    const bare = resource.replace(/^(?:requests|limits|count)[./]/, '').replace(/^persistentvolumeclaims$/, 'volumes');
    return [storageClass === undefined ? bare : `${bare} of the storage class ${storageClass}`];
  });
  return [...new Set(names)];
}

/** `plugin/pkg/admission/limitranger`. Several violations come as a list in brackets. */
function limitRange(answer: Answer): RefusalTexts | null {
  const { cause } = answer;
  const bound = /^\[?(minimum|maximum) (\S+) usage per (\w+) is (\S+?)[,.]/i.exec(cause);
  const ratio = /^\[?(\S+) max limit to request ratio per (\w+) is (\S+),/i.exec(cause);
  if (!bound && !ratio) return null;
  const broken = bound
    ? `${bound[2]}: the ${bound[1]} per ${bound[3]?.toLowerCase()} is ${bound[4]}${requestOf(cause)}`
    : `${ratio?.[1]}: the limit may be at most ${ratio?.[3]} times the request`;
  return {
    reason: 'limit-range',
    message: `The ${objectOf(answer)} is outside the limits that the namespace sets (${broken}).`,
    nextStep: 'An administrator must correct the settings or the limits of the namespace (LimitRange).',
    kind: 'terminal',
  };
}

function requestOf(cause: string): string {
  const value = /but (?:request|limit) is (\S+?)[,.\]]*(?:\s|$)/i.exec(cause)?.[1];
  return value === undefined ? '' : `, the project asks for ${value}`;
}

/** `plugin/pkg/admission/serviceaccount`. The controller creates `default` soon after the namespace. */
function serviceAccount({ cause, kind }: Answer): RefusalTexts | null {
  const missing =
    /^error looking up service ?account (\S+?)\/(\S+?):/i.exec(cause) ??
    /^service ?account (\S+?)\/(\S+) was not found/i.exec(cause) ??
    /^no API token found for service ?account "?(?:(\S+?)\/)?([^\s",]+)/i.exec(cause);
  if (!missing && kind !== 'serviceaccounts') return null;
  const name = missing?.[2] ?? /"([^"]+)"/.exec(cause)?.[1] ?? 'default';
  return {
    reason: 'service-account-missing',
    message: `The cluster does not have the service account "${name}" of the pod yet.`,
    nextStep:
      name === 'default'
        ? 'The cluster creates it by itself. The worker tries again by itself.'
        : 'An administrator must create it. The worker tries again by itself.',
    kind: 'transient',
    actor: name === 'default' ? 'nobody' : 'administrator',
  };
}

/** `plugin/pkg/admission/priority`. */
function priorityClass({ cause }: Answer): RefusalTexts | null {
  const name = /^no PriorityClass with name (\S+) was found/i.exec(cause)?.[1];
  if (name === undefined) return null;
  return {
    reason: 'priority-class-missing',
    message: `The cluster does not have the priority class ${name} that the pod requires.`,
    nextStep: 'An administrator must create it or change the settings. Then retry.',
    kind: 'terminal',
  };
}

/** `plugin/pkg/admission/runtimeclass`. */
function runtimeClass({ cause }: Answer): RefusalTexts | null {
  const name = /^pod rejected: RuntimeClass "?([^\s"]+)"? not found/i.exec(cause)?.[1];
  if (name === undefined) return null;
  return {
    reason: 'runtime-class-missing',
    message: `The cluster does not have the runtime class ${name} that the pod requires.`,
    nextStep: 'An administrator must create it or change the settings. Then retry.',
    kind: 'terminal',
  };
}

/** `plugin/pkg/admission/podnodeselector` and `podtolerationrestriction`. */
function placement({ cause }: Answer): RefusalTexts | null {
  const isSelector = /^pod node label selector\b.* conflicts? with/i.test(cause);
  const isToleration = /^pod tolerations\b.* conflicts? with/i.test(cause);
  if (!isSelector && !isToleration) return null;
  const what = isSelector ? 'nodes (node selector)' : 'reserved nodes (tolerations)';
  return {
    reason: 'placement-conflict',
    message: `The pod asks for other ${what} than its namespace allows.`,
    nextStep: 'An administrator must correct the settings or the annotations of the namespace.',
    kind: 'terminal',
  };
}

/** `plugin/pkg/admission/storage/persistentvolume/resize`. */
function resize({ cause }: Answer): RefusalTexts | null {
  if (!/^only dynamically provisioned pvc can be resized/i.test(cause)) return null;
  return {
    reason: 'change-refused',
    message: 'The size of the volume cannot be changed: its storage class does not allow it.',
    nextStep: 'An administrator must allow it in the storage class, or set the size back.',
    kind: 'terminal',
  };
}

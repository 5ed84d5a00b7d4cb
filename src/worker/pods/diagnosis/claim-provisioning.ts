/**
 * Why a volume is not created: reads the failure that the volume controller or a storage driver reports about a claim. The
 * status code of the driver's answer comes before the text. The codes are those of gRPC, as the CSI specification uses them.
 */

import type { KubernetesEvent } from '../kube/kubernetes-event.ts';
import type { Diagnosis } from './diagnosis.ts';
import { kubernetesReports, statusCodeIn, withoutWrappers } from './quote.ts';
import { causeUnknown, withoutNames } from './report-text.ts';

type Texts = Pick<Diagnosis, 'message' | 'nextStep'>;

const cannot = 'The volume of the project cannot be created';
const continues = 'The start then continues by itself.';

interface Rule {
  /** Status codes of the driver that mean the same. */
  codes?: readonly string[];
  text?: RegExp;
  says: string;
  toDo: string;
}

/**
 * Clouds that have received too many requests: `RequestLimitExceeded` of AWS, `rateLimitExceeded` of Google, HTTP 429 of Azure. Drivers
 * pass it on with a code of their choice, and ResourceExhausted of gRPC means both this and a storage that is full.
 */
export const isThrottled = (plain: string) =>
  /request ?limit ?exceeded|rate ?limit ?exceeded|rate exceeded|too ?many ?requests|throttl|HTTPStatusCode: 429|\b429 /i.test(
    plain,
  );

const rules: readonly Rule[] = [
  {
    // Drivers of clouds, and ResourceExhausted in the CSI specification: the quota or the space of the storage is used up.
    codes: ['ResourceExhausted'],
    text: /quota[ _]?exceeded|exceeds\w*quota|resource_?pool_?exhausted|(?<!deadline |timeout )exceed\w* .{0,60}\b(quota|limit)|\b((volume|disk|storage|max ?iops)\w* ?)?limit ?exceeded|\b(no|not enough|insufficient|out of) (free |available |storage )?(space|capacity|storage)\b/i,
    says: 'the storage has no space or no quota left',
    toDo: 'An administrator must free or add storage, or raise its quota.',
  },
  {
    codes: ['PermissionDenied', 'Unauthenticated'],
    text: /\b(unauthorized|access ?denied|permission denied|not authorized|authorization ?failed|forbidden|invalid credentials|auth ?failure)\b|AuthFailure|UnauthorizedOperation/i,
    says: 'the storage driver is not allowed to create it',
    toDo: 'An administrator must give the storage driver the missing permission.',
  },
  {
    // CreateVolume in the CSI specification: the requested capacity is not supported.
    codes: ['OutOfRange'],
    says: 'the storage offers no volume of this size',
    toDo: 'An administrator must correct the size in the settings, or choose another storage class.',
  },
  {
    codes: ['InvalidArgument', 'Unimplemented'],
    text: /mount options are not supported|invalid (option|parameter|value|argument)|not supported by/i,
    says: 'the storage driver does not accept the settings of the storage class',
    toDo: 'An administrator must correct the storage class.',
  },
  {
    text: /no topology key found|accessibility requirements|no available topology|topology/i,
    says: 'the storage driver cannot create it for this node',
    toDo: 'An administrator must check the storage driver of the node and the zones of the storage class.',
  },
  {
    // Another operation on the volume is still running.
    codes: ['Aborted'],
    says: 'the storage driver is still busy with it',
    toDo: 'Kubernetes tries again by itself. If this continues, an administrator must check the storage and its driver.',
  },
  {
    codes: ['DeadlineExceeded', 'Unavailable'],
    text: /deadline exceeded|timed out|connection refused|no such host|connection reset/i,
    says: 'the storage does not answer in time',
    toDo: 'Kubernetes tries again by itself. If this continues, an administrator must check the storage and its driver.',
  },
];

const throttled: Rule = {
  says: 'the storage has received too many requests',
  toDo: 'Kubernetes tries again by itself. If this continues, an administrator must check what sends so many, or raise the limit.',
};

/** @param event ProvisioningFailed, FailedBinding or VolumeMismatch, about the claim */
export function provisioningFailure({ reason, message }: KubernetesEvent): Texts {
  const storageClass = /storageclass(?:\.storage\.k8s\.io)? "([^"]+)" not found/i.exec(message)?.[1];
  if (storageClass !== undefined) {
    return {
      message: `${cannot}: the storage class "${storageClass}" does not exist.`,
      nextStep: `An administrator must create this storage class, or correct its name in the settings. ${continues}`,
    };
  }
  // pv_controller.go: "no persistent volumes available for this claim and no storage class is set"
  if (reason === 'FailedBinding' && /no storage class is set/i.test(message)) {
    return {
      message: `${cannot}: there is no storage class for it, and no free volume fits.`,
      nextStep: `An administrator must set a default storage class, or provide a volume. ${continues}`,
    };
  }
  if (reason === 'VolumeMismatch') {
    return {
      message: `The volume that is meant for the project does not fit its claim. ${kubernetesReports(message)}`,
      nextStep: `An administrator must correct the volume or the settings. ${continues}`,
    };
  }
  const rule = ruleFor(message);
  if (rule) return { message: `${cannot}: ${rule.says}.`, nextStep: `${rule.toDo} ${continues}` };
  return {
    message: `${cannot}. ${kubernetesReports(message)}`,
    nextStep: `${causeUnknown('the storage class and its driver')} ${continues}`,
  };
}

function ruleFor(message: string): Rule | undefined {
  const code = statusCodeIn(message);
  const plain = withoutNames(withoutWrappers(message));
  if (isThrottled(plain)) return throttled;
  const byCode = rules.find(({ codes }) => code !== null && codes?.includes(code));
  return byCode ?? rules.find(({ text }) => text?.test(plain));
}

/** Refusals by policies that people wrote for the cluster. They may have any status from 400 on: a webhook chooses its own. */

import { objectOf, type Answer, type RefusalTexts } from './refusal.ts';
import { meaningfulPart } from './report-text.ts';

interface Policy {
  /** Who refused, in words. */
  by: string;
  /** What it says. */
  says: string;
}

/** `null` unless a policy refused the request. */
export function policyRefusal(answer: Answer): RefusalTexts | null {
  const policy = podSecurity(answer) ?? admissionPolicy(answer) ?? webhook(answer) ?? builtIn(answer);
  if (!policy) return null;
  const says = meaningfulPart(policy.says).replaceAll('"', "'");
  return {
    reason: 'admission-denied',
    message: `${policy.by} denied the ${objectOf(answer)}${says === '' ? '.' : `: "${says}".`}`,
    nextStep: 'An administrator must check the policy and the settings. Then retry.',
    kind: 'terminal',
  };
}

/** `pod-security-admission/admission`, and the policies that came before it. */
function podSecurity({ cause }: Answer): Policy | null {
  const level = /^violates PodSecurity "([^"]+)": (.*)$/i.exec(cause);
  if (level) return { by: `The security policy of the namespace (Pod Security ${level[1]})`, says: level[2] ?? '' };
  // OpenShift, `apiserver-library-go/pkg/securitycontextconstraints`.
  const constraint = /^unable to validate against any security context constraint: (.*)$/i.exec(cause);
  if (constraint) return { by: 'The security policy of the cluster (SCC)', says: constraint[1] ?? '' };
  const former =
    /^(?:PodSecurityPolicy: )?unable to admit pod: (.*)$|^unable to validate against any pod security policy: (.*)$/i.exec(
      cause,
    );
  return former ? { by: 'The security policy of the cluster', says: former[1] ?? former[2] ?? '' } : null;
}

/** `admission/plugin/policy/validating`: `ValidatingAdmissionPolicy 'p' with binding 'b' denied request: …`. */
function admissionPolicy({ text }: Answer): Policy | null {
  const match = /(?:^|: )\w*AdmissionPolicy '([^']+)' with binding '[^']+' denied request: (.*)$/i.exec(text);
  return match ? { by: `The policy "${match[1]}" of the cluster`, says: match[2] ?? '' } : null;
}

/** `admission/plugin/webhook/errors/statuserror.go`: `admission webhook "w" denied the request: …`; what follows may be missing. */
function webhook({ text }: Answer): Policy | null {
  const match = /(?:^|: )admission webhook "([^"]+)" denied the request(?:: (.*))?/i.exec(text);
  if (!match) return null;
  const said = match[2] ?? '';
  // Kyverno, `pkg/utils/engine/response.go`: the policy, its rule and the words of the rule.
  const kyverno = /following polic(?:y|ies):?\s+([\w./-]+):\s*(.*)$/i.exec(said);
  if (kyverno) return { by: `The policy "${kyverno[1]}" of the cluster`, says: kyvernoWords(kyverno[2] ?? '') };
  // Gatekeeper, `pkg/webhook/policy.go`: `[constraint] words`.
  const gatekeeper = /^\[([^\]]+)\] (.*)$/.exec(said);
  if (gatekeeper) return { by: `The policy "${gatekeeper[1]}" of the cluster`, says: gatekeeper[2] ?? '' };
  // GKE Autopilot: `Violations details: {"[denied by constraint]":["words"]}`.
  const warden = /Violations details: \{"\[denied by ([\w.-]+)\]":\["(.*?)"[\],]/i.exec(said);
  if (warden) return { by: `The policy "${warden[1]}" of the cluster`, says: warden[2] ?? '' };
  return { by: `A policy of the cluster ("${match[1]}")`, says: said };
}

/** "require-tag: 'validation error: An image tag is required. rule require-tag failed at path /spec/'" */
function kyvernoWords(text: string): string {
  return text
    .replace(/^[\w.-]+:\s*/, '')
    .replace(/^['"]?\s*validation (?:error|failure):\s*/i, '')
    .replace(/\s*rule \S+ failed at path.*$/i, '')
    .replace(/^['"]+|['"]+$/g, '');
}

/** `plugin/pkg/admission/imagepolicy`, and the secrets that a service account may use in `plugin/pkg/admission/serviceaccount`. */
function builtIn({ cause }: Answer): Policy | null {
  const image = /^image policy webhook .*?denied one or more images(?:: (.*))?$/i.exec(cause);
  if (image) return { by: 'The image policy of the cluster', says: image[1] ?? '' };
  if (/is not allowed because service account \S+ does not reference that/i.test(cause)) {
    return { by: 'The policy of the service account', says: cause };
  }
  return null;
}

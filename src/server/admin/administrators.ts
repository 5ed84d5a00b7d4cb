/** Who is an administrator: by an e-mail address that the issuer has confirmed, or by a group that it named at the last sign-in. */

import type { AdministratorFacts } from '../../shared/node/db/people-repository.ts';

export interface AdministratorSettings {
  /** In lower case. */
  emails: ReadonlySet<string>;
  /** `null`: no group. */
  group: string | null;
}

export function isAdministrator(
  { email, emailVerified, adminGroup }: AdministratorFacts,
  { emails, group }: AdministratorSettings,
): boolean {
  if (group !== null && adminGroup === group) return true;
  return emailVerified && email !== null && emails.has(email.toLowerCase());
}

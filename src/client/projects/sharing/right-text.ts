/** What a role may do, in one sentence made of the table of rights. */

import { rightTable, rights, roleMay, type MemberRole } from '../../../shared/contract/roles.ts';

/** Rights that the viewer has are not repeated for the editor. */
export function roleText(role: MemberRole): string {
  const own = rights.filter(
    (right) => right !== 'leave' && roleMay(role, right) && (role === 'viewer' || !roleMay('viewer', right)),
  );
  const words = own.map((right) => rightTable[right].words);
  const list = `${words.slice(0, -1).join('; ')}; and ${words.at(-1)}`;
  return role === 'viewer' ? `A viewer may ${list}.` : `An editor may also ${list}.`;
}

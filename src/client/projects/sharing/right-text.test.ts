import { expect, it } from 'vitest';

import { memberRoles, rights, rightTable, roleMay } from '../../../shared/contract/roles.ts';
import { roleText } from './right-text.ts';

it('the share dialog says each right that a role has, and none that it does not have', () => {
  for (const role of memberRoles) {
    for (const right of rights.filter((each) => each !== 'leave')) {
      const isSaid = roleText(role).includes(rightTable[right].words);
      expect([role, right, isSaid]).toEqual([
        role,
        right,
        roleMay(role, right) && (role === 'viewer' || !roleMay('viewer', right)),
      ]);
    }
  }
});

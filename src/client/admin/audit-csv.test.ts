import { describe, expect, it } from 'vitest';

import type { AuditEntry } from '../../shared/contract/admin.ts';
import { csvOf } from './audit-csv.ts';

const entry: AuditEntry = {
  id: '1',
  at: '2026-11-29T06:00:00.000Z',
  actorId: null,
  actor: 'Somebody',
  via: 'session',
  action: 'projects.delete',
  outcome: 'done',
  details: { id: 'p1' },
  requestId: 'r1',
};

describe('the audit log as CSV', () => {
  it('has a head and one line for each entry', () => {
    expect(csvOf([entry], { hasHead: true })).toBe(
      'at,actor,actorId,via,action,outcome,details,requestId\r\n' +
        '2026-11-29T06:00:00.000Z,Somebody,,session,projects.delete,done,"{""id"":""p1""}",r1\r\n',
    );
    expect(csvOf([entry], { hasHead: false })).toMatch(/^2026/);
  });

  it('quotes commas and quotes, and keeps a spreadsheet from running a name as a formula', () => {
    const text = csvOf([{ ...entry, actor: '=HYPERLINK("x",1)' }], { hasHead: false });
    expect(text).toContain(`"'=HYPERLINK(""x"",1)"`);
  });
});

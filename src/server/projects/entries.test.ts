import { describe, expect, it } from 'vitest';

import { createTestClock } from '../../../tests/support/test-clock.ts';
import { createEntryTokens, entryKey } from '../../shared/node/access/tickets.ts';
import type { SessionCaller } from '../services.ts';
import { createProjectEntries } from './entries.ts';

const projectId = '6f6d8f6e-9f1c-4a50-9d8e-0a8d5d0b7c11';
const userId = 'f0f8b3a4-31d7-4f0c-8f0b-0c3d0a8a6f11';
const clock = createTestClock(Date.parse('2026-01-01T12:00:00.900Z'));
const tokens = createEntryTokens({ key: entryKey('s'.repeat(32)), clock });

const entriesWith = (settings: { workspaceDomain: string | null; hasAccessSecret: boolean }) =>
  createProjectEntries({ tokens, settings, publicOrigin: () => 'https://product.test', clock });
const caller = (kind: 'session' | 'token' | 'issuer-token'): SessionCaller => ({
  user: { id: userId, name: 'A', email: null, picture: null },
  requestId: 'r',
  credential: { kind, id: 'c', expiresAt: null },
});

describe('the address that opens a project', () => {
  const entries = entriesWith({ workspaceDomain: 'work.test:8443', hasAccessSecret: true });

  it('is at the origin of the project, with a ticket for the session that asked', async () => {
    const { url, expiresAt } = await entries.issue(caller('session'), projectId);
    expect(url).toMatch(`https://p-${projectId}.work.test:8443/.opencode-gateway/enter?ticket=`);
    expect(expiresAt).toBe('2026-01-01T12:00:30.000Z');
    const ticket = new URL(url).searchParams.get('ticket') ?? '';
    expect(await tokens.verify('ticket', ticket, projectId)).toMatchObject({
      credential: { kind: 'session', id: 'c' },
      userId,
      projectId,
    });
  });

  it('is not given to a token of the issuer, which cannot be revoked here', async () => {
    await expect(entries.issue(caller('issuer-token'), projectId)).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  it.each([
    [{ workspaceDomain: null, hasAccessSecret: true }, 'set WORKSPACE_DOMAIN and run'],
    [{ workspaceDomain: 'work.test', hasAccessSecret: false }, 'set ACCESS_SECRET and run'],
    [{ workspaceDomain: null, hasAccessSecret: false }, 'set WORKSPACE_DOMAIN and ACCESS_SECRET and run'],
  ])('is refused with what an administrator has to set: %j', async (settings, message) => {
    const opening = entriesWith(settings).issue(caller('session'), projectId);
    await expect(opening).rejects.toMatchObject({ code: 'UNSUPPORTED', message: expect.stringContaining(message) });
  });
});

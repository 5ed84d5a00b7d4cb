/** Creates a browser session without sign-in at an issuer. */

import { createCookieJar } from '../../src/server/auth/cookies.ts';
import { createSessionCookie } from '../../src/server/auth/session-cookie.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { insertSession } from '../../src/shared/node/db/sessions-repository.ts';
import { upsertUser } from '../../src/shared/node/db/users-repository.ts';
import { openTestDatabase } from './open-test-database.ts';
import { testIssuer } from './test-issuer.ts';
import { testSessionSecret } from './test-server.ts';

export interface MintedSession {
  id: string;
  /** The `cookie` header of its browser. */
  cookie: string;
}

/** Creates the person if necessary, as `mintToken` does. The cookie is that of a server on plain http. */
export async function mintSession(
  databaseUrl: string,
  { name, userAgent = null, ttlMs = 3_600_000 }: { name: string; userAgent?: string | null; ttlMs?: number },
): Promise<MintedSession> {
  const db = openTestDatabase(databaseUrl, { poolSize: 1 });
  const sessionCookie = createSessionCookie({
    jar: createCookieJar(() => false),
    secret: testSessionSecret,
    clock: systemClock,
  });
  try {
    const user = await upsertUser(db, {
      issuer: testIssuer,
      subject: name,
      email: `${name}@example.test`,
      emailVerified: true,
      name,
      picture: null,
    });
    const session = await insertSession(db, { userId: user.id, userAgent, ttlMs });
    const [header = ''] = await sessionCookie.issue(session);
    return { id: session.id, cookie: header.split(';')[0] ?? '' };
  } finally {
    await db.destroy();
  }
}

/** `npm run token -- user-a`: prints only a personal access token of a development user. For the embedded mode. */

import process from 'node:process';

import { insertAccessToken } from '../shared/node/db/access-tokens-repository.ts';
import { createDatabase } from '../shared/node/db/database.ts';
import { upsertUser } from '../shared/node/db/users-repository.ts';
import { readEmbeddedConfig } from './embedded-config.ts';
import { developmentUsers, embeddedIdentityIssuer } from './issuer/development-users.ts';
import { findInstance } from './running-instance.ts';

const lifetimeMs = 30 * 24 * 60 * 60 * 1_000;

try {
  process.stdout.write(`${await createToken(process.argv[2] ?? '')}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function createToken(subject: string): Promise<string> {
  const person = developmentUsers.find((each) => each.subject === subject);
  if (!person) {
    throw new Error(
      `Name a development user: npm run token -- ${developmentUsers.map((each) => each.subject).join(' | ')}`,
    );
  }
  const { dataDir, embed } = readEmbeddedConfig(process.env);
  if (!embed.issuer) {
    throw new Error(
      'OIDC_ISSUER names a real issuer, which has no development users. Create a token on the settings page instead.',
    );
  }
  const instance = findInstance(dataDir);
  if (!instance) throw new Error(`No instance runs on the data in ${dataDir}. Start one with "npm start".`);
  const db = createDatabase(instance.databaseUrl, { poolSize: 1 });
  try {
    const { email, name } = person;
    const user = await upsertUser(db, {
      issuer: embeddedIdentityIssuer,
      subject,
      email,
      emailVerified: true,
      name,
      picture: null,
    });
    const expiresAt = new Date(Date.now() + lifetimeMs).toISOString();
    const { token } = await insertAccessToken(db, { userId: user.id, name: 'npm run token', expiresAt });
    return token;
  } finally {
    await db.destroy();
  }
}

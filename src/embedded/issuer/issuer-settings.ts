/** Keys and port of the embedded issuer, kept between runs. */

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

import { z } from 'zod';

const settingsSchema = z.object({
  /** The TCP port of the last run; 0 before the first run. */
  port: z.int().min(0).max(65_535),
  /** Signs the issuer's own cookies. */
  cookieKey: z.string().min(1),
  /** The private key, as a JWK, that signs ID tokens and access tokens. */
  signingKey: z.object({ kty: z.literal('RSA'), kid: z.string(), n: z.string(), d: z.string() }).loose(),
});

export type IssuerSettings = z.infer<typeof settingsSchema>;

/** Reads the settings. The first start creates the keys, so tokens stay valid after a restart. */
export function loadIssuerSettings(path: string): IssuerSettings {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error; // all errors of node:fs have a code
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const settings = settingsSchema.parse({
      port: 0,
      cookieKey: randomBytes(32).toString('base64url'),
      signingKey: {
        ...privateKey.export({ format: 'jwk' }),
        kid: randomBytes(8).toString('hex'),
        alg: 'RS256',
        use: 'sig',
      },
    });
    saveIssuerSettings(path, settings);
    return settings;
  }
  try {
    return settingsSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(
      `${path} is damaged: it must contain the keys of the embedded issuer. Delete it to create new ones.`,
      {
        cause,
      },
    );
  }
}

/** Replaces the file in one step. Only the owner may read it. */
export function saveIssuerSettings(path: string, settings: IssuerSettings): void {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.new`;
  writeFileSync(draft, `${JSON.stringify(settings)}\n`, { mode: 0o600 });
  renameSync(draft, path);
}

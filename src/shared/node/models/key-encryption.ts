/**
 * Encrypts the model keys of people (JWE, `dir`, A256GCM). The header of each names its person, its provider and the secret that it was
 * encrypted with, and the encryption protects the header: a row that was copied to another person cannot be decrypted for them.
 */

import { createHash } from 'node:crypto';

import { CompactEncrypt, compactDecrypt, decodeProtectedHeader, errors } from 'jose';

import { deriveKey } from '../derive-key.ts';

export interface KeyPlace {
  userId: string;
  provider: string;
}

export interface KeyEncryption {
  encrypt(key: string, place: KeyPlace): Promise<string>;
  /** @returns `null` when its secret is no longer configured, or it was not encrypted for this place */
  decrypt(encrypted: string, place: KeyPlace): Promise<{ key: string; isOutdated: boolean } | null>;
  /** Whether the secret that it was encrypted with is configured. */
  isReadable(encrypted: string): boolean;
}

export interface KeyEncryptionSecrets {
  secret: string;
  /** The secret before the last rotation. */
  previousSecret: string | null;
}

export function createKeyEncryption({ secret, previousSecret }: KeyEncryptionSecrets): KeyEncryption {
  const keys = new Map(
    [previousSecret, secret].flatMap((each) => (each === null ? [] : [[idOf(each), deriveKey(each, 'model-keys')]])),
  );
  const currentId = idOf(secret);

  return {
    encrypt(key, { userId, provider }) {
      const header = { alg: 'dir', enc: 'A256GCM', kid: currentId, sub: userId, provider };
      return new CompactEncrypt(new TextEncoder().encode(key))
        .setProtectedHeader(header)
        .encrypt(deriveKey(secret, 'model-keys'));
    },
    async decrypt(encrypted, place) {
      const header = headerOf(encrypted);
      const key = keys.get(header?.kid ?? '');
      if (header === null || key === undefined) return null;
      if (header['sub'] !== place.userId || header['provider'] !== place.provider) return null;
      try {
        const { plaintext } = await compactDecrypt(encrypted, key, {
          keyManagementAlgorithms: ['dir'],
          contentEncryptionAlgorithms: ['A256GCM'],
        });
        return { key: new TextDecoder().decode(plaintext), isOutdated: header.kid !== currentId };
      } catch (error) {
        if (error instanceof errors.JOSEError) return null;
        throw error;
      }
    },
    isReadable: (encrypted) => keys.has(headerOf(encrypted)?.kid ?? ''),
  };
}

function headerOf(encrypted: string) {
  try {
    return decodeProtectedHeader(encrypted);
  } catch {
    return null; // it is no JWE
  }
}

/** The first 32 bits of a hash: enough to tell two secrets apart, and useless for guessing one. */
function idOf(secret: string): string {
  return createHash('sha256').update(`model-key-secret:${secret}`).digest('hex').slice(0, 8);
}

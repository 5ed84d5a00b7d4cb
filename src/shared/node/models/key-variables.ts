/** The variables with which server and gateway encrypt and decrypt the model keys of people. */

import { z } from 'zod';

import type { KeyEncryptionSecrets } from './key-encryption.ts';

const secret = z.string().min(32, 'must be a secret of at least 32 random characters.').optional();

export const keyEncryptionVariables = {
  KEY_ENCRYPTION_SECRET: secret.describe(
    'Encrypts the model keys that people store; the same for server and gateway, at least 32 characters. Without it nobody can store a key. `npm start` generates one.',
  ),
  KEY_ENCRYPTION_SECRET_PREVIOUS: secret.describe(
    'The KEY_ENCRYPTION_SECRET before the last rotation. A key that was stored with it stays usable, and is encrypted again when it is used.',
  ),
};

export function toKeyEncryptionSecrets(variables: {
  KEY_ENCRYPTION_SECRET?: string | undefined;
  KEY_ENCRYPTION_SECRET_PREVIOUS?: string | undefined;
}): KeyEncryptionSecrets | null {
  const { KEY_ENCRYPTION_SECRET: current, KEY_ENCRYPTION_SECRET_PREVIOUS: previousSecret = null } = variables;
  return current === undefined ? null : { secret: current, previousSecret };
}

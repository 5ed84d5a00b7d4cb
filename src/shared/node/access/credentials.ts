/**
 * The credentials of a project's pod. They are derived from ACCESS_SECRET, so that worker, server and gateway know them
 * and no database or Kubernetes read is needed.
 */

import { createHash, createHmac } from 'node:crypto';

/** `opencode`: OpenCode's password. `sidecar`: file browser and session proxy. `models`: the model broker. */
export type CredentialPurpose = 'opencode' | 'sidecar' | 'models';

export interface AccessKeys {
  /** Names the key that new pods are created with. The row of a project and its pod record it. */
  currentKeyId: string;
  /** All credentials of a project, derived with the current key. */
  currentCredentials(projectId: string): Record<CredentialPurpose, string>;
  /**
   * The credential of one project for one purpose: 43 characters of base64url.
   * @param keyId the key that the pod was created with
   * @returns `null` when the key is neither the current nor the previous one: the pod must be restarted
   */
  credential(purpose: CredentialPurpose, project: { id: string; keyId: string }): string | null;
}

export function createAccessKeys({
  secret,
  previousSecret,
}: {
  secret: string;
  previousSecret: string | null;
}): AccessKeys {
  const secrets = new Map(
    [secret, ...(previousSecret === null ? [] : [previousSecret])].map((each) => [keyIdOf(each), each]),
  );
  return {
    currentKeyId: keyIdOf(secret),
    currentCredentials: (id) => ({
      opencode: derive(secret, 'opencode', id),
      sidecar: derive(secret, 'sidecar', id),
      models: derive(secret, 'models', id),
    }),
    credential(purpose, { id, keyId }) {
      const key = secrets.get(keyId);
      return key === undefined ? null : derive(key, purpose, id);
    },
  };
}

function derive(secret: string, purpose: CredentialPurpose, projectId: string): string {
  return createHmac('sha256', secret).update(`${purpose}:${projectId}`).digest('base64url');
}

/** The first 32 bits of a hash: enough to tell two keys apart, and useless for guessing a key. */
function keyIdOf(secret: string): string {
  return createHash('sha256').update(`access-key-id:${secret}`).digest('hex').slice(0, 8);
}

/** Keys for each purpose, derived from the configured secret. One leaked key does not reveal the others. */

import { hkdfSync } from 'node:crypto';

/** 32 bytes for `purpose`. https://www.rfc-editor.org/rfc/rfc5869 */
export function deriveKey(secret: string, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, 'opencode-project-manager', purpose, 32));
}

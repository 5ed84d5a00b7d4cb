/** Keys for each purpose, derived from the one secret of the configuration: a leak of one says nothing of the other. */

import { hkdfSync } from 'node:crypto';

/** 32 bytes for `purpose`. https://www.rfc-editor.org/rfc/rfc5869 */
export function deriveKey(secret: string, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, 'opencode-project-manager', purpose, 32));
}

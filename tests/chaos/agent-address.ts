/** Where the OpenCode of a pod answers in a chaos run. */

import { createHash } from 'node:crypto';

/** The address of a pod, of 127.64.0.0/10. The port of the session proxy is free there. */
export function agentAddress(uid: string): string {
  const [a = 0, b = 0, c = 0] = createHash('sha256').update(uid).digest();
  return `127.${64 + (a % 64)}.${b}.${1 + (c % 254)}`;
}

/** Which addresses of pods can be reached. */

import { isIP } from 'node:net';

/** Simulated pods have an address of TEST-NET-1 (RFC 5737), which belongs to no machine anywhere. */
export const simulatedNetwork = '192.0.2.';

/** Whether a pod can answer at this address. */
export function isPodAddress(address: string): boolean {
  return isIP(address) !== 0 && !address.startsWith(simulatedNetwork);
}

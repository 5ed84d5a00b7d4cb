/** The files that `KUBECONFIG` names. */

import { existsSync } from 'node:fs';
import { delimiter } from 'node:path';

/** The files that exist, in the order in which they count. Like kubectl, ignores those that do not. */
export function kubeConfigFiles(path: string): string[] {
  return path.split(delimiter).filter((file) => file !== '' && existsSync(file));
}

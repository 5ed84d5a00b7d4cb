/** The folders of the claims, `<folder>/<claim uid>`. */

import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** What the volume controller does with the files of a volume. The simulated runtime has no files. */
export interface VolumeFolders {
  create(claimUid: string): void;
  remove(claimUid: string): Promise<void>;
}

export function createVolumeFolders(folder: string): VolumeFolders & { of(claimUid: string): string } {
  const of = (claimUid: string): string => {
    // The uid comes from the API; a path must never leave the folder.
    if (!/^[\w-]+$/.test(claimUid)) throw new Error(`"${claimUid}" is not the uid of a claim.`);
    return join(folder, claimUid);
  };
  return {
    of,
    create: (claimUid) => void mkdirSync(of(claimUid), { recursive: true, mode: 0o700 }),
    async remove(claimUid) {
      const path = of(claimUid);
      try {
        await rm(path, { recursive: true, force: true, maxRetries: 3 });
      } catch {
        // Some tools write folders that even their owner may not change.
        await promisify(execFile)('chmod', ['-R', 'u+rwx', path]);
        await rm(path, { recursive: true, force: true, maxRetries: 3 });
      }
    },
  };
}

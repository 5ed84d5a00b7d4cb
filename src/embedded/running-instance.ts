/** The file by which other commands on this machine find a running `npm start`. Only its owner may read it. */

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { z } from 'zod';

const instanceSchema = z.object({ url: z.string(), databaseUrl: z.string() });
type RunningInstance = z.infer<typeof instanceSchema>;

const fileOf = (dataDir: string) => join(dataDir, 'running.json');

export function announceInstance(dataDir: string, instance: RunningInstance): void {
  writeFileSync(fileOf(dataDir), JSON.stringify(instance), { mode: 0o600 });
}

export function withdrawInstance(dataDir: string): void {
  rmSync(fileOf(dataDir), { force: true });
}

/** The instance on this data folder; `null` when there is no valid file. The file remains when the instance is killed. */
export function findInstance(dataDir: string): RunningInstance | null {
  try {
    return instanceSchema.parse(JSON.parse(readFileSync(fileOf(dataDir), 'utf8')));
  } catch {
    return null; // missing or invalid: treated as not running
  }
}

/** What a running `npm start` tells other commands on this machine: where its database is. Readable by its owner alone. */

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { z } from 'zod';

const instanceSchema = z.object({ url: z.string(), databaseUrl: z.string() });
export type RunningInstance = z.infer<typeof instanceSchema>;

const fileOf = (dataDir: string) => join(dataDir, 'running.json');

export function announceInstance(dataDir: string, instance: RunningInstance): void {
  writeFileSync(fileOf(dataDir), JSON.stringify(instance), { mode: 0o600 });
}

export function withdrawInstance(dataDir: string): void {
  rmSync(fileOf(dataDir), { force: true });
}

/** The instance on this data folder, or `null` when none is announced. One that was killed is announced still. */
export function findInstance(dataDir: string): RunningInstance | null {
  try {
    return instanceSchema.parse(JSON.parse(readFileSync(fileOf(dataDir), 'utf8')));
  } catch {
    return null; // not there or not ours: nothing runs as far as anybody can tell
  }
}

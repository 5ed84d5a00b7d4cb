/** Port and password of an embedded service, kept between runs. */

import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

import { z } from 'zod';

import { findFreePort, isPortFree } from './free-port.ts';

const settingsSchema = z.object({ port: z.int().min(0).max(65_535), password: z.string().min(1) });

export interface ServiceSettings {
  /** The TCP port of the last run; 0 before the first run. */
  port: number;
  password: string;
}

/** Reads the settings. The first start creates a password. */
export function loadServiceSettings(path: string): ServiceSettings {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error; // all errors of node:fs have a code
    const settings = { port: 0, password: randomBytes(24).toString('base64url') };
    saveServiceSettings(path, settings);
    return settings;
  }
  try {
    return settingsSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(
      `${path} is damaged: it must contain the port and the password as JSON. Restore it, or delete it.`,
      {
        cause,
      },
    );
  }
}

/** Replaces the file in one step. Only the owner may read it. */
export function saveServiceSettings(path: string, settings: ServiceSettings): void {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.new`;
  writeFileSync(draft, `${JSON.stringify(settings)}\n`, { mode: 0o600 });
  renameSync(draft, path);
}

/** The port to use: the desired one, or the one of the last run if it is free, or any free one. */
export async function choosePort({ desired, last }: { desired: number | undefined; last: number }): Promise<number> {
  if (desired !== undefined) return desired;
  return last !== 0 && (await isPortFree(last)) ? last : findFreePort();
}

import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

import { z } from 'zod';

import { findFreePort, isPortFree } from './free-port.ts';

const settingsSchema = z.object({ port: z.int().min(0).max(65_535), password: z.string().min(1) });

export interface ServiceSettings {
  /** The TCP port of the last run; 0 before the first. */
  port: number;
  password: string;
}

/** Reads port and password of an embedded service, or makes up a password on its first start. */
export function loadServiceSettings(path: string): ServiceSettings {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error; // fs fails with nothing but these
    const settings = { port: 0, password: randomBytes(24).toString('base64url') };
    saveServiceSettings(path, settings);
    return settings;
  }
  try {
    return settingsSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(`${path} is damaged: it must hold the port and the password as JSON. Restore it, or delete it.`, {
      cause,
    });
  }
}

/** Writes them whole or not at all, for nobody but the owner to read. */
export function saveServiceSettings(path: string, settings: ServiceSettings): void {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.new`;
  writeFileSync(draft, `${JSON.stringify(settings)}\n`, { mode: 0o600 });
  renameSync(draft, path);
}

/** The port to use now: the one asked for, else the one of the last run while it is free, else any free one. */
export async function choosePort({ desired, last }: { desired: number | undefined; last: number }): Promise<number> {
  if (desired !== undefined) return desired;
  return last !== 0 && (await isPortFree(last)) ? last : findFreePort();
}

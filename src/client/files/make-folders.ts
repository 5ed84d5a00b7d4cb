import { readError } from '../api/read-error.ts';
import type { Client } from './file-stores.ts';

/** Makes the folders, outermost first. Those that exist already are left as they are. */
export async function makeFolders(client: Client, id: string, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    try {
      await client.files.makeFolder.mutate({ id, path });
    } catch (error) {
      if (readError(error).code !== 'CONFLICT') throw error;
    }
  }
}

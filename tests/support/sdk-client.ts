/** A client of the SDK for a development user of a started system. */

import { createClient, type Client } from '../../src/shared/sdk/client.ts';
import { runProgram, type StartedSystem } from './started-system.ts';

/** @throws Error with what the program printed, when it prints no token */
export async function createSdkClient(system: StartedSystem, user: string): Promise<Client> {
  const program = runProgram('src/embedded/token-cli.ts', { DATA_DIR: system.dataDir }, [user]);
  if ((await program.exited) !== 0) throw new Error(`No token was made for ${user}:\n${program.output()}`);
  return createClient({ url: system.url, token: program.output().trim() });
}

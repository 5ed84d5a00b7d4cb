/** The calls of the SDK for the configuration of OpenCode in a project. */

import type { TRPCClient } from '@trpc/client';

import type { AppRouter } from '../../server/router.ts';
import type {
  ApplyingConfig,
  Config,
  ConfigVersion,
  ConfigVersionInfo,
  RestoreConfigInput,
  SaveConfigInput,
  SavedConfig,
} from '../contract/config.ts';
import { withAppErrors } from './read-app-error.ts';

/** The input of a save. The comment may be left out. */
export type NewConfig = Omit<SaveConfigInput, 'comment'> & { comment?: string };

/** @throws AppError if the API refuses the call; the library's TRPCClientError if the API did not answer */
export interface ConfigCalls {
  /** The newest version, and what the pod of the project uses now. */
  get(projectId: string): Promise<Config>;
  /** Stores a version. `baseVersion` is the version that was read: if there is a newer one, the call fails with `CONFLICT`. */
  save(input: NewConfig): Promise<SavedConfig>;
  /** The versions that are kept, the newest first. */
  versions(projectId: string): Promise<ConfigVersionInfo[]>;
  version(projectId: string, version: number): Promise<ConfigVersion>;
  /** Stores a new version with the text of an old one. */
  restore(input: RestoreConfigInput): Promise<SavedConfig>;
  /** Applies the newest version to the pod that runs. Sessions that are busy end. Otherwise the next start applies it. */
  applyNow(projectId: string): Promise<ApplyingConfig>;
}

export function createConfigCalls({ config }: TRPCClient<AppRouter>): ConfigCalls {
  return {
    get: (id) => withAppErrors(config.get.query({ id })),
    save: (input) => withAppErrors(config.save.mutate(input)),
    versions: async (id) => (await withAppErrors(config.versions.query({ id }))).items,
    version: (id, version) => withAppErrors(config.version.query({ id, version })),
    restore: (input) => withAppErrors(config.restore.mutate(input)),
    applyNow: (id) => withAppErrors(config.applyNow.mutate({ id })),
  };
}

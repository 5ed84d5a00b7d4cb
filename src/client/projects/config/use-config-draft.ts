/**
 * The text of a configuration that a person edits. It is kept in the session storage of the tab, with the version that it began
 * as, so neither a reload nor a newer version of somebody else loses it.
 */

import { useMemo, useState } from 'react';
import { z } from 'zod';

import { checkConfig, type CheckedConfig } from '../../../shared/contract/check-config.ts';
import type { Config } from '../../../shared/contract/config.ts';
import { createDraftStore } from '../draft.ts';

const draftSchema = z.object({ document: z.string(), rules: z.string(), baseVersion: z.number() });
export type ConfigText = Pick<Config, 'document' | 'rules'>;

export interface ConfigDraft extends ConfigText {
  /** The version that the text began as. */
  baseVersion: number;
  isChanged: boolean;
  /** Somebody has saved a newer version since. */
  isBehind: boolean;
  checked: CheckedConfig;
  change(text: Partial<ConfigText>): void;
  /** The text is now based on this version, and is kept. */
  rebase(version: number): void;
  discard(): void;
}

export function useConfigDraft(projectId: string, saved: Config): ConfigDraft {
  const [store] = useState(() =>
    createDraftStore({ key: `config:${projectId}`, schema: draftSchema, storage: window.sessionStorage }),
  );
  const [held, setHeld] = useState(() => store.read());
  const { document, rules, baseVersion } = held ?? { ...saved, baseVersion: saved.version };
  const checked = useMemo(() => checkConfig(document), [document]);

  const write = (draft: z.infer<typeof draftSchema>): void => {
    store.write(draft);
    setHeld(draft);
  };
  return {
    document,
    rules,
    baseVersion,
    isChanged: held !== null && (document !== saved.document || rules !== saved.rules),
    isBehind: baseVersion < saved.version,
    checked,
    change: (text) => write({ document, rules, baseVersion, ...text }),
    rebase: (version) => write({ document, rules, baseVersion: version }),
    discard() {
      store.clear();
      setHeld(null);
    },
  };
}

/** Saves the text of a person as a new version. When somebody else was faster, both texts are kept and the person decides. */

import { useState } from 'react';

import type { Project } from '../../../shared/contract/project.ts';
import { readError } from '../../api/read-error.ts';
import { trpc } from '../../api/trpc.ts';
import { notifyDone } from '../../ui/notify.ts';
import type { ConfigDraft } from './use-config-draft.ts';

export interface SaveConfig {
  save(comment: string, options?: { baseVersion: number }): void;
  isSaving: boolean;
  /** Why the last save was refused; `null` if it was not. */
  problem: string | null;
  /** There is a newer version: the two texts have to be compared. */
  conflict: boolean;
  closeConflict(): void;
}

export function useSaveConfig(project: Project, { draft }: { draft: ConfigDraft }): SaveConfig {
  const utils = trpc.useUtils();
  const [problem, setProblem] = useState<string | null>(null);
  const [conflict, setConflict] = useState(false);
  const { id } = project;
  const mutation = trpc.config.save.useMutation({
    async onSuccess({ version }) {
      setProblem(null);
      setConflict(false);
      await utils.config.get.invalidate({ id });
      await utils.config.versions.invalidate({ id });
      draft.discard();
      notifyDone(`Version ${version} is saved.`);
    },
    async onError(error) {
      const { code, message } = readError(error);
      setProblem(message);
      if (code !== 'CONFLICT') return;
      await utils.config.get.invalidate({ id });
      setConflict(true);
    },
  });
  return {
    save(comment, { baseVersion } = { baseVersion: draft.baseVersion }) {
      if (draft.checked.errors.length > 0) return;
      const { document, rules } = draft;
      mutation.mutate({ id, document, rules, baseVersion, comment });
    },
    isSaving: mutation.isPending,
    problem,
    conflict,
    closeConflict() {
      setConflict(false);
      setProblem(null);
    },
  };
}

import { useEffect, useRef, useState } from 'react';
import { useSearchParams } from 'react-router';
import { z } from 'zod';

import type { Project } from '../../shared/contract/project.ts';
import { readError } from '../api/read-error.ts';
import { notifyFailure } from '../ui/notify.ts';
import { createDraftStore } from './draft.ts';
import { changeOf, formValuesOf, placeError, projectFormRules, type ProjectFormValues } from './project-form-values.ts';
import { useProjectUpdate } from './use-project-update.ts';

export type ProjectField = keyof ProjectFormValues;

const fieldLabels = { name: 'name', description: 'description', repoUrl: 'repository' } satisfies Record<
  ProjectField,
  string
>;

/**
 * One field of a project that is edited where it stands. Which one is in the address, and its text in the draft store, so
 * that neither a reload nor signing in again loses anything. What is saved shows at once; when it is refused, the text
 * comes back with the reason.
 */
export function useFieldEdit(project: Project, field: ProjectField) {
  const [params, setParams] = useSearchParams();
  const editing = params.get('edit') === field;
  const [drafts] = useState(() =>
    createDraftStore({ key: `${project.id}:${field}`, schema: z.string(), storage: window.sessionStorage }),
  );
  const value = formValuesOf(project)[field];
  const [text, setText] = useState<string | null>(() => drafts.read());
  const [refusal, setRefusal] = useState<string | null>(null);
  const isHere = useRef(false);
  useEffect(() => {
    isHere.current = true;
    return () => {
      isHere.current = false;
    };
  }, []);

  const setEditing = (open: boolean): void => {
    setParams(
      (current) => {
        const next = new URLSearchParams(current);
        if (open) next.set('edit', field);
        else if (next.get('edit') === field) next.delete('edit');
        return next;
      },
      { replace: true },
    );
  };
  const update = useProjectUpdate({
    onRefused: (error) => {
      if (!isHere.current) {
        notifyFailure(`The ${fieldLabels[field]} of “${project.name}” was not changed`, error);
        return;
      }
      const placed = placeError(readError(error));
      setRefusal(placed.fields[field] ?? placed.message ?? 'It was not changed. Try again.');
      setEditing(true);
    },
  });
  const shown = text ?? value;
  const leave = (): void => {
    drafts.clear();
    setText(null);
    setRefusal(null);
    setEditing(false);
  };
  return {
    editing,
    text: shown,
    /** What is wrong with the text as it stands, or why it was refused. */
    problem: refusal ?? (text === null ? null : projectFormRules[field](text)),
    begin: () => setEditing(true),
    change: (next: string) => {
      drafts.write(next);
      setText(next);
      setRefusal(null);
    },
    cancel: leave,
    save: () => {
      if (projectFormRules[field](shown) !== null) return;
      const change = changeOf(project, { ...formValuesOf(project), [field]: shown });
      if (change === null) {
        leave();
        return;
      }
      setRefusal(null);
      setEditing(false);
      // The text is kept until it has been taken.
      update.mutate({ project, change }, { onSuccess: leave });
    },
  };
}

/**
 * The state of one field of a project that is edited in place. The address names the field, and the draft store keeps the
 * text, so that neither a reload nor a new sign-in loses it. A saved text is shown at once (an optimistic update). When the
 * server refuses it, the field opens again with the text and the reason.
 */

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

export function useFieldEdit(project: Project, field: ProjectField) {
  const [params, setParams] = useSearchParams();
  const editing = params.get('edit') === field;
  const [drafts] = useState(() =>
    createDraftStore({ key: `${project.id}:${field}`, schema: z.string(), storage: window.sessionStorage }),
  );
  const value = formValuesOf(project)[field];
  const [text, setText] = useState<string | null>(() => drafts.read());
  const [refusal, setRefusal] = useState<string | null>(null);
  const isMounted = useRef(false);
  useEffect(() => {
    isMounted.current = true;
    return () => {
      isMounted.current = false;
    };
  }, []);

  const setEditing = (open: boolean): void => {
    setParams(
      (before) => {
        const changed = new URLSearchParams(before);
        if (open) changed.set('edit', field);
        else if (changed.get('edit') === field) changed.delete('edit');
        return changed;
      },
      { replace: true },
    );
  };
  const update = useProjectUpdate({
    onRefused: (error) => {
      if (!isMounted.current) {
        notifyFailure(`The ${fieldLabels[field]} of “${project.name}” was not changed`, error);
        return;
      }
      const placed = placeError(readError(error));
      setRefusal(placed.fields[field] ?? placed.message ?? 'It was not changed. Try again.');
      setEditing(true);
    },
  });
  const current = text ?? value;
  const close = (): void => {
    drafts.clear();
    setText(null);
    setRefusal(null);
    setEditing(false);
  };
  return {
    editing,
    text: current,
    /** Why the server refused the text, or what is wrong with it, or `null`. */
    problem: refusal ?? (text === null ? null : projectFormRules[field](text)),
    begin: () => setEditing(true),
    change: (changed: string) => {
      drafts.write(changed);
      setText(changed);
      setRefusal(null);
    },
    cancel: close,
    save: () => {
      if (projectFormRules[field](current) !== null) return;
      const change = changeOf(project, { ...formValuesOf(project), [field]: current });
      if (change === null) {
        close();
        return;
      }
      setRefusal(null);
      setEditing(false);
      // The draft is kept until the server has accepted the text.
      update.mutate({ project, change }, { onSuccess: close });
    },
  };
}

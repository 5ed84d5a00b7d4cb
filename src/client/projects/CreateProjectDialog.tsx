/** The dialog that creates a project. */

import { useState } from 'react';
import { z } from 'zod';

import { trpc } from '../api/trpc.ts';
import { useApp } from '../app-context.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { notifyDone } from '../ui/notify.ts';
import { createDraftStore } from './draft.ts';
import { emptyProjectForm, newProjectSchema, projectInputOf } from './project-form-values.ts';
import { ProjectForm } from './ProjectForm.tsx';

interface CreateProjectDialogProps {
  opened: boolean;
  onClose: () => void;
}

export function CreateProjectDialog({ opened, onClose }: CreateProjectDialogProps) {
  const create = trpc.projects.create.useMutation();
  // The dialog stays open until the answer arrives: after a refusal the user corrects the text in it.
  const close = (): void => {
    if (!create.isPending) onClose();
  };
  return (
    <Dialog opened={opened} onClose={close} title="New project">
      <CreateProjectBody create={create} onClose={onClose} />
    </Dialog>
  );
}

interface BodyProps {
  create: ReturnType<typeof trpc.projects.create.useMutation>;
  onClose: () => void;
}

const draftSchema = newProjectSchema.extend({ idempotencyKey: z.string() });

/** Mounted again with each opening. Each opening has one idempotency key, so sending the form twice creates one project. */
function CreateProjectBody({ create, onClose }: BodyProps) {
  const { projectCache } = useApp();
  const { data: quota } = trpc.projects.quota.useQuery({}, { staleTime: 0 });
  const { data: defaults } = trpc.auth.defaults.useQuery();
  const usualSize = quota?.sizes.find(({ name }) => name === defaults?.size)?.name ?? null;
  const [drafts] = useState(() =>
    createDraftStore({ key: 'new-project', schema: draftSchema, storage: window.sessionStorage }),
  );
  const [{ idempotencyKey, ...initialValues }] = useState(
    () => drafts.read() ?? { ...emptyProjectForm, idempotencyKey: newIdempotencyKey() },
  );
  const clearAndClose = (): void => {
    drafts.clear();
    onClose();
  };
  return (
    <ProjectForm
      initialValues={initialValues}
      quota={quota}
      usualSize={usualSize}
      onValuesChange={(values) => drafts.write({ ...values, idempotencyKey })}
      onCancel={clearAndClose}
      onSubmit={async (values) => {
        const project = await create.mutateAsync({
          ...projectInputOf(values),
          // Without a choice the server takes the default of the person.
          ...(values.size ? { size: values.size } : {}),
          idempotencyKey,
        });
        projectCache.writeAnswer(project);
        notifyDone(`“${project.name}” was created and is starting.`);
        clearAndClose();
      }}
    />
  );
}

/** A random id. Unlike `crypto.randomUUID` it works without a secure context (plain HTTP). */
function newIdempotencyKey(): string {
  const bytes = window.crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

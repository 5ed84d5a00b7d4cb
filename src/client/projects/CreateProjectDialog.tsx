import { useState } from 'react';
import { z } from 'zod';

import { trpc } from '../api/trpc.ts';
import { useApp } from '../app-context.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { notifyDone } from '../ui/notify.ts';
import { createDraftStore } from './draft.ts';
import { emptyProjectForm, projectFormSchema, projectInputOf } from './project-form-values.ts';
import { ProjectForm } from './ProjectForm.tsx';

export interface CreateProjectDialogProps {
  opened: boolean;
  onClose: () => void;
}

/** Asks for what a new project needs. */
export function CreateProjectDialog({ opened, onClose }: CreateProjectDialogProps) {
  const create = trpc.projects.create.useMutation();
  // While it is being sent the dialog stays, for it holds the text that a refusal would need.
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

const draftSchema = projectFormSchema.extend({ idempotencyKey: z.string() });

/** Mounted anew with each opening. One opening has one idempotency key: sending twice still makes one project. */
function CreateProjectBody({ create, onClose }: BodyProps) {
  const { projectCache } = useApp();
  const [drafts] = useState(() =>
    createDraftStore({ key: 'new-project', schema: draftSchema, storage: window.sessionStorage }),
  );
  const [{ idempotencyKey, ...initialValues }] = useState(
    () => drafts.read() ?? { ...emptyProjectForm, idempotencyKey: newIdempotencyKey() },
  );
  const leave = (): void => {
    drafts.clear();
    onClose();
  };
  return (
    <ProjectForm
      initialValues={initialValues}
      onValuesChange={(values) => drafts.write({ ...values, idempotencyKey })}
      onCancel={leave}
      onSubmit={async (values) => {
        const project = await create.mutateAsync({ ...projectInputOf(values), idempotencyKey });
        projectCache.writeAnswer(project);
        notifyDone(`“${project.name}” was created and is starting.`);
        leave();
      }}
    />
  );
}

/** A random id that needs no secure context, unlike `crypto.randomUUID`. */
function newIdempotencyKey(): string {
  const bytes = window.crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

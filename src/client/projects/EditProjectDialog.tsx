import { useState } from 'react';

import type { Project } from '../../shared/contract/project.ts';
import { trpc } from '../api/trpc.ts';
import { useApp } from '../app-context.ts';
import { Dialog } from '../ui/Dialog.tsx';
import type { ProjectDialogProps } from './CreateProjectDialog.tsx';
import { createDraftStore } from './draft.ts';
import { changeOf, formValuesOf, projectFormSchema } from './project-form-values.ts';
import { ProjectForm } from './ProjectForm.tsx';

/** Changes the name, the description and the repository of a project. */
export function EditProjectDialog({ project, opened, onClose }: ProjectDialogProps & { project: Project }) {
  const update = trpc.projects.update.useMutation();
  const close = (): void => {
    if (!update.isPending) onClose();
  };
  return (
    <Dialog opened={opened} onClose={close} title="Edit project">
      <EditProjectBody project={project} update={update} onClose={onClose} />
    </Dialog>
  );
}

interface BodyProps {
  project: Project;
  update: ReturnType<typeof trpc.projects.update.useMutation>;
  onClose: () => void;
}

function EditProjectBody({ project, update, onClose }: BodyProps) {
  const { projectCache } = useApp();
  const [drafts] = useState(() =>
    createDraftStore({
      key: `edit-project:${project.id}`,
      schema: projectFormSchema,
      storage: window.sessionStorage,
    }),
  );
  const [initialValues] = useState(() => drafts.read() ?? formValuesOf(project));
  const leave = (): void => {
    drafts.clear();
    onClose();
  };
  return (
    <ProjectForm
      initialValues={initialValues}
      submitLabel="Save changes"
      onValuesChange={drafts.write}
      onCancel={leave}
      onSubmit={async (values) => {
        const change = changeOf(project, values);
        if (change !== null) projectCache.writeAnswer(await update.mutateAsync({ id: project.id, ...change }));
        leave();
      }}
    />
  );
}

/**
 * The Config tab of a project: what OpenCode reads in it. A form and a JSON view edit the same text. A save stores a version, which
 * the next start of the project uses; "Apply now" gives it to the pod that runs. The status line shows what the pod really uses.
 * It is read again with each change of the project (`api/project-cache.ts`), so every window follows.
 */

import { Button, Tabs } from '@mantine/core';
import { Suspense } from 'react';
import { useSearchParams } from 'react-router';

import type { Config } from '../../../shared/contract/config.ts';
import type { Project } from '../../../shared/contract/project.ts';
import { roleMay } from '../../../shared/contract/roles.ts';
import { trpc } from '../../api/trpc.ts';
import { lazyPart } from '../../ui/lazy-part.ts';
import { LoadFailure } from '../../ui/LoadFailure.tsx';
import { PageLoading } from '../../ui/PageLoading.tsx';
import { refusalOf } from '../use-project-actions.ts';
import { AnswerLimit } from './AnswerLimit.tsx';
import { ConfigForm } from './ConfigForm.tsx';
import { ConfigStatus } from './ConfigStatus.tsx';
import { IdleStop } from './IdleStop.tsx';
import { Problems } from './Problems.tsx';
import { ProjectSize } from './ProjectSize.tsx';
import { SaveBar } from './SaveBar.tsx';
import { useConfigDraft } from './use-config-draft.ts';
import { useSaveConfig } from './use-save-config.ts';
import { VersionList } from './VersionList.tsx';

import classes from './config.module.css';

const TextEditor = lazyPart(async () => (await import('./TextEditor.tsx')).TextEditor);
const ConflictDialog = lazyPart(async () => (await import('./ConflictDialog.tsx')).ConflictDialog);

const views = { form: 'Form', json: 'JSON', versions: 'Versions' } as const;
type View = keyof typeof views;

export function ConfigTab({ project }: { project: Project }) {
  const query = trpc.config.get.useQuery({ id: project.id }, { staleTime: 0 });
  if (query.data !== undefined) return <ConfigBody project={project} config={query.data} />;
  if (query.isPending) return <PageLoading />;
  return (
    <LoadFailure
      what="The configuration"
      error={query.error}
      retrying={query.isFetching}
      onRetry={() => void query.refetch()}
    />
  );
}

function ConfigBody({ project, config }: { project: Project; config: Config }) {
  const [params, setParams] = useSearchParams();
  const shown = params.get('view') ?? 'form';
  const view: View = shown in views ? (shown as View) : 'form'; // a key of the object
  const draft = useConfigDraft(project.id, config);
  const saving = useSaveConfig(project, { draft });
  const { errors } = draft.checked;
  const refusal = refusalOf('update', project);
  const isFormPossible = draft.checked.value !== null;
  const open = (name: string | null): void =>
    setParams(name === null || name === 'form' ? {} : { view: name }, { replace: true });

  return (
    <section aria-label="Configuration" className={classes.root}>
      {refusal === null ? (
        <ConfigStatus project={project} config={config} />
      ) : (
        <p className={classes.notice}>{refusal} The configuration can be read, but not changed.</p>
      )}
      <Tabs value={view} onChange={open} keepMounted={false} variant="pills" className={classes.views}>
        <Tabs.List aria-label="View of the configuration">
          {Object.entries(views).map(([name, label]) => (
            <Tabs.Tab key={name} value={name}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="form">
          <fieldset className={classes.whole} disabled={refusal !== null} aria-label="Settings">
            {isFormPossible ? (
              <ConfigForm draft={draft} />
            ) : (
              <p className={classes.notice} role="alert">
                {errors[0]?.message} The form can be used again when the text is JSON.{' '}
                <Button variant="default" size="compact-xs" onClick={() => open('json')}>
                  Show the JSON
                </Button>
              </p>
            )}
            <AnswerLimit project={project} />
            <IdleStop project={project} />
            {roleMay(project.role, 'size') && <ProjectSize project={project} />}
          </fieldset>
        </Tabs.Panel>
        <Tabs.Panel value="json">
          <p className={classes.hint}>
            This is OpenCode’s own configuration format. Everything that the form does not show can be set here. Files
            of the repository, such as <code>opencode.json</code>, win over it.
          </p>
          <Suspense fallback={<PageLoading />}>
            <TextEditor
              value={draft.document}
              isReadOnly={refusal !== null}
              onChange={(document) => draft.change({ document })}
              onSave={() => saving.save('')}
            />
          </Suspense>
        </Tabs.Panel>
        <Tabs.Panel value="versions">
          <VersionList project={project} config={config} hasDraft={draft.isChanged} isReadOnly={refusal !== null} />
        </Tabs.Panel>
      </Tabs>
      {view !== 'versions' && (
        <>
          <Problems errors={errors} warnings={draft.checked.warnings} />
          {draft.isChanged && refusal === null && <SaveBar draft={draft} saving={saving} />}
        </>
      )}
      <Suspense>{saving.conflict && <ConflictDialog draft={draft} config={config} saving={saving} />}</Suspense>
    </section>
  );
}

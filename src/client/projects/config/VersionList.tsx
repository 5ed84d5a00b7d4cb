/** The versions that are kept, the newest first: who saved them, what they changed, and the way back. */

import { Button } from '@mantine/core';
import { Suspense, useState } from 'react';

import type { Config, ConfigVersionInfo } from '../../../shared/contract/config.ts';
import type { Project } from '../../../shared/contract/project.ts';
import { trpc } from '../../api/trpc.ts';
import { lazyPart } from '../../ui/lazy-part.ts';
import { LoadFailure } from '../../ui/LoadFailure.tsx';
import { notifyDone, notifyFailure } from '../../ui/notify.ts';
import { PageLoading } from '../../ui/PageLoading.tsx';
import { Time } from '../../ui/Time.tsx';

import classes from './config.module.css';

const CompareVersions = lazyPart(async () => (await import('./CompareVersions.tsx')).CompareVersions);

interface VersionListProps {
  project: Project;
  config: Config;
  /** Unsaved text would be based on an older version after a restore. */
  hasDraft: boolean;
  isReadOnly: boolean;
}

export function VersionList({ project, config, hasDraft, isReadOnly }: VersionListProps) {
  const { id } = project;
  const utils = trpc.useUtils();
  const [compared, setCompared] = useState<number | null>(null);
  const query = trpc.config.versions.useQuery({ id }, { staleTime: 0 });
  const restore = trpc.config.restore.useMutation({
    async onSuccess({ version }) {
      await Promise.all([utils.config.get.invalidate({ id }), utils.config.versions.invalidate({ id })]);
      notifyDone(`Version ${version} is saved.`);
    },
    onError: (error) => notifyFailure('The version was not restored', error),
  });
  if (query.isPending) return <PageLoading />;
  if (query.data === undefined) {
    return (
      <LoadFailure
        what="The versions"
        error={query.error}
        retrying={query.isFetching}
        onRetry={() => void query.refetch()}
      />
    );
  }
  const { items } = query.data;
  if (items.length === 0) return <p className={classes.hint}>Each save becomes a version. There is none yet.</p>;
  const older = (version: number) => items.find((each) => each.version < version)?.version ?? null;
  return (
    <>
      {hasDraft && (
        <p className={classes.notice}>You have unsaved changes. They are kept while you look at older versions.</p>
      )}
      <ol className={classes.versions} aria-label="Versions">
        {items.map((item) => (
          <li key={item.version}>
            <VersionText item={item} config={config} />
            <span className={classes.versionActions}>
              <Button
                size="compact-xs"
                variant="default"
                aria-label={`Show the changes of version ${item.version}`}
                onClick={() => setCompared(item.version)}
              >
                Changes
              </Button>
              {!isReadOnly && item.version !== config.version && (
                <Button
                  size="compact-xs"
                  variant="default"
                  aria-label={`Restore version ${item.version}`}
                  loading={restore.isPending && restore.variables.version === item.version}
                  onClick={() => restore.mutate({ id, version: item.version, baseVersion: config.version })}
                >
                  Restore
                </Button>
              )}
            </span>
          </li>
        ))}
      </ol>
      <Suspense>
        {compared !== null && (
          <CompareVersions
            projectId={id}
            version={compared}
            before={older(compared)}
            onClose={() => setCompared(null)}
          />
        )}
      </Suspense>
    </>
  );
}

function VersionText({ item, config }: { item: ConfigVersionInfo; config: Config }) {
  const { version, comment, savedBy, savedAt, restoredFrom } = item;
  const isInUse = config.inUse.state === 'running' && config.inUse.version === version;
  const text = comment === '' && restoredFrom !== null ? `Same as version ${restoredFrom}` : comment;
  return (
    <span className={classes.versionText}>
      <strong>Version {version}</strong>
      {version === config.version && <span className={classes.mark}>newest</span>}
      {isInUse && <span className={classes.mark}>in use</span>}
      {text !== '' && <span>{text}</span>}
      <span className={classes.dimmed}>
        {savedBy ?? 'Somebody'}, <Time iso={savedAt} />
      </span>
    </span>
  );
}

/** Which version is saved, which one the pod uses now, and the way from one to the other. */

import { Button } from '@mantine/core';
import { Suspense, useState } from 'react';

import type { Config } from '../../../shared/contract/config.ts';
import type { Project } from '../../../shared/contract/project.ts';
import { trpc } from '../../api/trpc.ts';
import { lazyPart } from '../../ui/lazy-part.ts';
import { useOnceTrue } from '../../ui/use-once-true.ts';
import { statusOf } from './config-status.ts';

import classes from './config.module.css';

const ApplyDialog = lazyPart(async () => (await import('./ApplyDialog.tsx')).ApplyDialog);

export function ConfigStatus({ project, config }: { project: Project; config: Config }) {
  const utils = trpc.useUtils();
  const [isAsking, setIsAsking] = useState(false);
  const needsDialog = useOnceTrue(isAsking);
  const { title, message, tone, canApply } = statusOf(config);
  return (
    <div className={classes.status} data-tone={tone}>
      <div className={classes.statusText} aria-live="polite">
        <strong>{title}</strong>
        <span>{message}</span>
      </div>
      {canApply && (
        <Button
          size="xs"
          variant="default"
          onClick={() => {
            // What the dialog says may have changed since the page was opened.
            void utils.config.get.invalidate({ id: project.id });
            setIsAsking(true);
          }}
        >
          Apply now
        </Button>
      )}
      <Suspense>
        {needsDialog && (
          <ApplyDialog opened={isAsking} project={project} config={config} onClose={() => setIsAsking(false)} />
        )}
      </Suspense>
    </div>
  );
}

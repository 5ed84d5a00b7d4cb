/** Says what ends when the configuration is applied now, and asks. */

import { Button, Group } from '@mantine/core';

import type { Config } from '../../../shared/contract/config.ts';
import type { Project } from '../../../shared/contract/project.ts';
import { trpc } from '../../api/trpc.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import { notifyFailure } from '../../ui/notify.ts';

import classes from './config.module.css';

interface ApplyDialogProps {
  opened: boolean;
  project: Project;
  config: Config;
  onClose: () => void;
}

export function ApplyDialog({ opened, project, config, onClose }: ApplyDialogProps) {
  const utils = trpc.useUtils();
  const { id } = project;
  const { version, interrupts } = config;
  const { runs, busySessions } = interrupts;
  const others = busySessions ?? 0;
  const mutation = trpc.config.applyNow.useMutation({
    onSuccess: () => onClose(),
    onError: (error) => notifyFailure(`Version ${version} was not applied`, error),
    onSettled: () => utils.config.get.invalidate({ id }),
  });
  const isQuiet = runs.length === 0 && others === 0;
  return (
    <Dialog opened={opened} onClose={onClose} title={`Apply version ${version} now?`}>
      <p className={classes.dialogText}>
        OpenCode reads its configuration again. Files, terminals and sessions stay; what an agent is doing right now
        ends.
      </p>
      {runs.length > 0 && (
        <>
          <p className={classes.dialogText}>These runs end. You can continue them with a follow-up:</p>
          <ul className={classes.dialogList}>
            {runs.map((run) => (
              <li key={run.id}>{run.taskTitle}</li>
            ))}
          </ul>
        </>
      )}
      {others > 0 && (
        <p className={classes.dialogText}>
          {others === 1 ? '1 other busy session' : `${others} other busy sessions`} in OpenCode end too.
        </p>
      )}
      {isQuiet && (
        <p className={classes.dialogText}>
          {busySessions === null
            ? 'OpenCode does not say whether a session is busy.'
            : 'Nothing is running, so nothing ends.'}
        </p>
      )}
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={onClose}>
          Wait for the next start
        </Button>
        <Button
          {...(isQuiet ? {} : { color: 'red' })}
          loading={mutation.isPending}
          onClick={() => mutation.mutate({ id })}
          data-autofocus
        >
          {isQuiet ? 'Apply now' : 'End them and apply'}
        </Button>
      </Group>
    </Dialog>
  );
}

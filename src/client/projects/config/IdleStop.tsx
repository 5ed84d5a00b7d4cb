/** When the project is stopped because nobody uses it. It is a setting of the project, so it needs no version. */

import { NativeSelect } from '@mantine/core';

import { idleStopLabel, idleStops, type IdleStop as Choice } from '../../../shared/contract/idle-stop.ts';
import type { Project } from '../../../shared/contract/project.ts';
import { trpc } from '../../api/trpc.ts';
import { notifyFailure } from '../../ui/notify.ts';
import { useProjectUpdate } from '../use-project-update.ts';
import { Section } from './Section.tsx';

import classes from './config.module.css';

export function IdleStop({ project }: { project: Project }) {
  const { data: installation } = trpc.projects.idleStopDefault.useQuery({}, { staleTime: Infinity });
  const update = useProjectUpdate({ onRefused: (error) => notifyFailure('The idle stop was not changed', error) });
  const labelOf = (choice: Choice): string => {
    if (choice !== 'default') return choice === 'never' ? 'Never' : `After ${idleStopLabel(choice)}`;
    if (!installation) return 'As this installation has it';
    const { idleStop } = installation;
    return `As this installation has it (${idleStop === 'never' ? 'never' : `after ${idleStopLabel(idleStop)}`})`;
  };
  return (
    <Section
      title="Idle stop"
      text="A project that nobody uses is stopped, and its files are kept. It is in use while an agent works or waits for you, while a command runs in a terminal, and when you change something. A page that is only open does not count. Ten minutes before, the project says that it will stop."
    >
      <NativeSelect
        className={classes.narrow}
        label="Stop when idle"
        disabled={project.desiredState === 'deleted'}
        value={project.idleStop}
        onChange={({ currentTarget: { value } }) => {
          const idleStop = idleStops.find((each) => each === value);
          if (idleStop) update.mutate({ project, change: { idleStop } });
        }}
        data={idleStops.map((value) => ({ value, label: labelOf(value) }))}
      />
    </Section>
  );
}

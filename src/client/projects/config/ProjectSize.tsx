/** The size of the project. It is a setting of the project, so it needs no version. Nothing where the installation has no sizes. */

import { offerOf } from '../../../shared/contract/allowance-text.ts';
import type { Project } from '../../../shared/contract/project.ts';
import { bytesText, wholeBytesOf } from '../../../shared/quantity.ts';
import { trpc } from '../../api/trpc.ts';
import { notifyDone, notifyFailure } from '../../ui/notify.ts';
import { SizeCards } from '../sizes/SizeCards.tsx';
import { useProjectUpdate } from '../use-project-update.ts';
import { Section } from './Section.tsx';

import classes from './config.module.css';

export function ProjectSize({ project }: { project: Project }) {
  const { data: quota } = trpc.projects.quota.useQuery({}, { staleTime: 0 });
  const update = useProjectUpdate({ onRefused: (error) => notifyFailure('The size was not changed', error) });
  const offer = quota && offerOf(quota, project.size);
  if (!offer) return null;
  const podOffer = project.podSize === null ? null : offerOf(quota, project.podSize);
  const runsAnother = project.desiredState === 'running' && podOffer !== null && podOffer.name !== offer.name;
  const storage = bytesText(project.storage === null ? offer.storage : wholeBytesOf(project.storage));
  const choose = (name: string): void => {
    const { label } = offerOf(quota, name) ?? offer;
    const when = project.desiredState === 'running' ? 'Restart the project to use it.' : 'The next start uses it.';
    update.mutate(
      { project, change: { size: name } },
      { onSuccess: () => notifyDone(`The size is ${label}. ${when}`) },
    );
  };
  return (
    <Section
      title="Size"
      text={`A new size gives OpenCode its CPU and memory from the next start or restart. The volume keeps its ${storage}: it was created with the project.`}
    >
      {project.size !== null && project.size !== offer.name && (
        <p className={classes.dimmed}>
          The size {project.size} is no longer offered. The project uses {offer.label} from its next start.
        </p>
      )}
      {runsAnother && (
        <p className={classes.dimmed}>
          It runs with {podOffer.label} until you restart it. Until then, the larger of {podOffer.label} and{' '}
          {offer.label} counts for what you may run.
        </p>
      )}
      <SizeCards
        quota={quota}
        value={project.size}
        onChange={choose}
        purpose={null}
        disabled={project.desiredState === 'deleted'}
      />
    </Section>
  );
}

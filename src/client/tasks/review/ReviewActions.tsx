/** The decision about the branch of a task: accept, discard or push. Sending it back is a follow-up below. */

import { Button } from '@mantine/core';
import { IconArrowBackUp, IconCheck, IconUpload } from '@tabler/icons-react';
import { useState } from 'react';

import type { AcceptResult, TaskChanges } from '../../../shared/contract/review.ts';
import type { Run, Task } from '../../../shared/contract/tasks.ts';
import { count } from '../../ui/format.ts';
import { useReview } from './use-review.ts';

import classes from './review.module.css';

export function ReviewActions({ task, run, changes }: { task: Task; run: Run; changes: TaskChanges }) {
  const review = useReview(task.id);
  const [isAsking, setIsAsking] = useState(false);
  const { headCommit } = changes;
  const canAccept = headCommit !== null && changes.problem === null;
  return (
    <div className={classes.actions}>
      {review.refusal !== null && (
        <Refusal
          refusal={review.refusal}
          isGivingBack={review.isGivingBack}
          onGiveBack={() => review.giveBack(run.id, review.refusal?.files ?? [])}
        />
      )}
      {isAsking ? (
        <Confirmation
          changes={changes}
          isDiscarding={review.isDiscarding}
          onDiscard={review.discard}
          onKeep={() => setIsAsking(false)}
        />
      ) : (
        <div className={classes.buttons}>
          {headCommit !== null && (
            <Button
              size="xs"
              disabled={!canAccept}
              loading={review.isAccepting}
              leftSection={<IconCheck size={15} stroke={1.8} />}
              onClick={() => review.accept(headCommit)}
            >
              Accept
            </Button>
          )}
          <Button
            size="xs"
            variant="default"
            loading={review.isPushing}
            leftSection={<IconUpload size={15} stroke={1.8} />}
            onClick={review.push}
          >
            Push branch
          </Button>
          <Button size="xs" variant="default" onClick={() => setIsAsking(true)}>
            Discard…
          </Button>
        </div>
      )}
    </div>
  );
}

function Refusal(props: { refusal: AcceptResult; isGivingBack: boolean; onGiveBack: () => void }) {
  const { outcome, message, files } = props.refusal;
  return (
    <div className={classes.refusal} role="alert">
      <p>{message}</p>
      {files.length > 3 && (
        <ul>
          {files.slice(0, 50).map((file) => (
            <li key={file}>{file}</li>
          ))}
          {files.length > 50 && <li>and {files.length - 50} more</li>}
        </ul>
      )}
      {outcome === 'conflicts' && (
        <Button
          size="xs"
          variant="default"
          loading={props.isGivingBack}
          leftSection={<IconArrowBackUp size={15} stroke={1.8} />}
          onClick={props.onGiveBack}
        >
          Give back to the agent
        </Button>
      )}
    </div>
  );
}

interface ConfirmationProps {
  changes: TaskChanges;
  isDiscarding: boolean;
  onDiscard: () => void;
  onKeep: () => void;
}

/** Says what is lost before it is. */
function Confirmation({ changes, isDiscarding, onDiscard, onKeep }: ConfirmationProps) {
  const files = changes.fileCount === 0 ? 'everything' : `the changes of ${count(changes.fileCount, 'file')}`;
  return (
    <div className={classes.refusal}>
      <p>{`This deletes the branch “${changes.branch}” and ${files} on it, for ever. The project stays as it is.`}</p>
      <div className={classes.buttons}>
        <Button
          size="xs"
          color="red.8"
          loading={isDiscarding}
          // oxlint-disable-next-line jsx-a11y/no-autofocus -- the button that was pressed has gone
          autoFocus
          onClick={onDiscard}
        >
          Discard the changes
        </Button>
        <Button size="xs" variant="default" onClick={onKeep}>
          Keep
        </Button>
      </div>
    </div>
  );
}

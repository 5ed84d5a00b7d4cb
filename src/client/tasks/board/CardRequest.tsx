/** What the agent asks, on the card. A permission is given or refused there; a question is answered in the panel. */

import { Button } from '@mantine/core';
import { IconMessageQuestion, IconShieldQuestion } from '@tabler/icons-react';

import type { PendingRequest, Run } from '../../../shared/contract/tasks.ts';
import { permissionTitle } from '../request-answers.ts';
import { useMayChangeTasks, useTaskCommands } from '../task-commands.ts';
import { usePending } from '../use-pending.ts';

import classes from './task-card.module.css';

interface CardRequestProps {
  run: Run;
  request: PendingRequest;
  /** Of the task. */
  title: string;
  tabIndex: number;
}

export function CardRequest({ run, request, title, tabIndex }: CardRequestProps) {
  const mayAnswer = useMayChangeTasks();
  const [answer, isAnswering] = usePending(useTaskCommands().answer);
  const reply = (given: 'once' | 'reject'): void =>
    void answer(run.id, request.id, { type: 'permission', reply: given });
  const others = run.pending.length - 1;
  const more = others === 0 ? null : <span className={classes.more}>and {others} more</span>;
  if (request.type === 'question') {
    return (
      <div className={classes.request}>
        <p className={classes.requestTitle}>
          <IconMessageQuestion size={15} stroke={1.7} aria-hidden="true" /> {request.questions[0]?.question}
        </p>
        {mayAnswer && (
          <div className={classes.answers}>
            <Button size="compact-xs" tabIndex={tabIndex} aria-label={`Answer the question of “${title}”`} data-opens>
              Answer…
            </Button>
            {more}
          </div>
        )}
      </div>
    );
  }
  return (
    <div className={classes.request}>
      <p className={classes.requestTitle}>
        <IconShieldQuestion size={15} stroke={1.7} aria-hidden="true" /> {permissionTitle(request.permission)}
      </p>
      <code className={classes.requestDetail}>{request.detail ?? request.patterns.join(' ')}</code>
      {mayAnswer && (
        <div className={classes.answers}>
          <Button
            size="compact-xs"
            tabIndex={tabIndex}
            loading={isAnswering}
            aria-label={`Allow once: “${title}”`}
            onClick={() => reply('once')}
          >
            Allow once
          </Button>
          <Button
            size="compact-xs"
            variant="default"
            tabIndex={tabIndex}
            disabled={isAnswering}
            aria-label={`Reject: “${title}”`}
            onClick={() => reply('reject')}
          >
            Reject
          </Button>
          {more}
        </div>
      )}
    </div>
  );
}

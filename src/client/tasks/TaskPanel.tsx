/** The panel of a task: what its newest run does, what the agent asks, the conversation, and what the person can do. */

import { ActionIcon, Button, NativeSelect } from '@mantine/core';
import { IconPlayerPlay, IconPlayerStop, IconTrash, IconX } from '@tabler/icons-react';

import type { Project } from '../../shared/contract/project.ts';
import { hasEnded, taskStates, type Run, type Task } from '../../shared/contract/tasks.ts';
import { useNow } from '../ui/use-now.ts';
import { ConversationView } from './ConversationView.tsx';
import { DiffStatistics } from './DiffStatistics.tsx';
import { FollowUp } from './FollowUp.tsx';
import { PendingRequestForm } from './PendingRequestForm.tsx';
import { ReviewSection } from './review/ReviewSection.tsx';
import { RunStateBadge } from './RunStateBadge.tsx';
import { useIsNewWorkRefused, useMayChangeTasks } from './task-commands.ts';
import {
  durationOf,
  isPriority,
  possibleActions,
  priorities,
  priorityLabels,
  stateLabels,
  usageText,
} from './task-list.ts';
import { TaskDescription, TaskTitle } from './TaskText.tsx';
import { TodoList } from './TodoList.tsx';
import { useTaskActions } from './use-task-actions.ts';

import classes from './task-panel.module.css';

interface TaskPanelProps {
  project: Project;
  task: Task;
  onClose: () => void;
  onDelete: () => void;
}

export function TaskPanel({ project, task, onClose, onDelete }: TaskPanelProps) {
  const actions = useTaskActions();
  const mayChange = useMayChangeTasks();
  const { latestRun: run } = task;
  const isRefused = useIsNewWorkRefused();
  const { canRun, canAbort, canFollowUp } = possibleActions(task, isRefused);
  return (
    <aside className={classes.root} aria-label={`Task: ${task.title}`}>
      <header className={classes.head}>
        <TaskTitle task={task} />
        <ActionIcon variant="subtle" color="gray" aria-label="Close the task" onClick={onClose}>
          <IconX size={17} stroke={1.7} />
        </ActionIcon>
      </header>
      <div className={classes.toolbar}>
        {mayChange && canRun && (
          <Button
            size="xs"
            loading={actions.isStarting}
            leftSection={<IconPlayerPlay size={15} stroke={1.8} />}
            onClick={() => void actions.start(task)}
          >
            {run === null ? 'Run' : 'Run again'}
          </Button>
        )}
        {mayChange && run !== null && canAbort && (
          <Button
            size="xs"
            variant="default"
            loading={actions.isAborting}
            leftSection={<IconPlayerStop size={15} stroke={1.8} />}
            onClick={() => void actions.abort(run.id)}
          >
            Abort
          </Button>
        )}
        <NativeSelect
          aria-label="Column"
          disabled={!mayChange}
          size="xs"
          value={task.state}
          data={taskStates.map((state) => ({ value: state, label: stateLabels[state] }))}
          onChange={({ currentTarget: { value } }) => {
            const state = taskStates.find((each) => each === value);
            if (state !== undefined) void actions.move(task, state);
          }}
        />
        <NativeSelect
          aria-label="Priority of the task"
          disabled={!mayChange}
          size="xs"
          value={task.priority}
          data={priorities.toReversed().map((priority) => ({ value: priority, label: priorityLabels[priority] }))}
          onChange={({ currentTarget: { value } }) => {
            if (isPriority(value)) void actions.setPriority(task, value);
          }}
        />
        {mayChange && (run === null || hasEnded(run)) && (
          <ActionIcon
            variant="subtle"
            color="gray"
            className={classes.delete ?? ''}
            aria-label="Delete the task"
            onClick={onDelete}
          >
            <IconTrash size={16} stroke={1.6} />
          </ActionIcon>
        )}
      </div>
      <div className={classes.description}>
        <TaskDescription task={task} />
      </div>
      {run === null ? (
        <p className={classes.hint}>The agent has not worked on this task yet.</p>
      ) : (
        <RunSection key={run.id} run={run} />
      )}
      {canRun && project.desiredState !== 'running' && (
        <p className={classes.hint}>The project is stopped. A run begins when the project is started.</p>
      )}
      <ReviewSection task={task} />
      {mayChange && run !== null && canFollowUp && (
        <FollowUp isSending={actions.isFollowingUp} onSend={(text) => actions.followUp(run.id, text)} />
      )}
    </aside>
  );
}

function RunSection({ run }: { run: Run }) {
  const { answer, isAnswering } = useTaskActions();
  const mayAnswer = useMayChangeTasks();
  return (
    <>
      <section className={classes.run} aria-label="Run">
        <p className={classes.state} aria-live="polite">
          <RunStateBadge run={run} /> <span>{run.message}</span>
        </p>
        <RunFacts run={run} />
      </section>
      {!mayAnswer && run.pending.length > 0 && (
        <p className={classes.hint}>The agent waits for an answer of the owner or an editor.</p>
      )}
      {mayAnswer &&
        run.pending.map((request) => (
          <PendingRequestForm
            key={request.id}
            request={request}
            isAnswering={isAnswering}
            onAnswer={(given) => void answer(run.id, request.id, given)}
          />
        ))}
      {run.todos.length > 0 && <TodoList todos={run.todos} />}
      <ConversationView runId={run.id} />
    </>
  );
}

function RunFacts({ run }: { run: Run }) {
  const nowMs = useNow(1_000);
  const facts = [durationOf(run, nowMs), usageText(run)].filter((fact) => fact !== null);
  const hasDiff = run.diff !== null && run.diff.files > 0;
  if (facts.length === 0 && !hasDiff) return null;
  return (
    <p className={classes.facts}>
      {facts.join(' · ')}
      {run.diff !== null && hasDiff && (
        <>
          {facts.length > 0 && ' · '}
          {run.diff.files} {run.diff.files === 1 ? 'file' : 'files'} <DiffStatistics diff={run.diff} />
        </>
      )}
    </p>
  );
}

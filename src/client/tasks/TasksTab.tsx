/** The tasks tab of a project: its tasks, and the panel of the one that is open (`?task=<id>`). */

import { Button } from '@mantine/core';
import { IconChecklist, IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { useSearchParams } from 'react-router';

import type { Project } from '../../shared/contract/project.ts';
import type { Task } from '../../shared/contract/tasks.ts';
import { LoadFailure } from '../ui/LoadFailure.tsx';
import { Message } from '../ui/Message.tsx';
import { PageLoading } from '../ui/PageLoading.tsx';
import { NewTask } from './NewTask.tsx';
import { AiReviewSwitch } from './review/AiReviewSwitch.tsx';
import { groupTasks, stateLabels } from './task-list.ts';
import { TaskPanel } from './TaskPanel.tsx';
import { TaskRow } from './TaskRow.tsx';
import { useTasks } from './use-tasks.ts';

import classes from './tasks-tab.module.css';

export function TasksTab({ project }: { project: Project }) {
  const [params, setParams] = useSearchParams();
  const [isAdding, setIsAdding] = useState(false);
  const { tasks, isLoaded, error, retry } = useTasks(project.id);
  const openId = params.get('task');
  const open = (id: string | null): void => setParams(id === null ? {} : { task: id });
  const opened = tasks.find(({ id }) => id === openId);

  if (error !== null && !isLoaded) {
    return <LoadFailure what="The tasks" error={error} retrying={false} onRetry={retry} />;
  }
  if (!isLoaded) return <PageLoading />;
  return (
    <section aria-label="Tasks" className={classes.root} data-has-panel={opened !== undefined || undefined}>
      <div className={classes.list}>
        {isAdding ? (
          <NewTask projectId={project.id} onClose={() => setIsAdding(false)} onCreated={open} />
        ) : (
          <div className={classes.toolbar}>
            <AiReviewSwitch project={project} />
            <Button size="xs" leftSection={<IconPlus size={15} stroke={1.8} />} onClick={() => setIsAdding(true)}>
              New task
            </Button>
          </div>
        )}
        {tasks.length === 0 && !isAdding && (
          <Message icon={<IconChecklist size={22} stroke={1.6} />} title="No tasks yet">
            Describe what you want to have done. The coding agent of this project works on it, and asks when it needs
            you.
          </Message>
        )}
        <TaskGroups tasks={tasks} openId={openId} onOpen={open} />
      </div>
      {opened !== undefined && <TaskPanel key={opened.id} project={project} task={opened} onClose={() => open(null)} />}
    </section>
  );
}

function TaskGroups(props: { tasks: readonly Task[]; openId: string | null; onOpen: (id: string) => void }) {
  return groupTasks(props.tasks).map(({ state, tasks }) => (
    <section key={state} className={classes.group} aria-label={stateLabels[state]}>
      <h2 className={classes.groupTitle}>
        {stateLabels[state]} <span className={classes.count}>{tasks.length}</span>
      </h2>
      <ul className={classes.rows}>
        {tasks.map((task) => (
          <TaskRow key={task.id} task={task} isOpen={task.id === props.openId} onOpen={() => props.onOpen(task.id)} />
        ))}
      </ul>
    </section>
  ));
}

/** Carries out what `board-keys.ts` decides, for the card that has the focus. */

import type { KeyboardEvent } from 'react';

import { hasEnded, type Task } from '../../../shared/contract/tasks.ts';
import { areSingleKeysOn } from '../../palette/single-keys.ts';
import { useIsNewWorkRefused, useMayChangeTasks, useTaskCommands } from '../task-commands.ts';
import { possibleActions } from '../task-list.ts';
import { boardAction, type BoardAction } from './board-keys.ts';
import { taskIdAt } from './card-elements.ts';
import type { Columns } from './columns.ts';
import type { useLift } from './use-lift.ts';

interface BoardKeysInput {
  shown: Columns;
  lift: ReturnType<typeof useLift>;
  focusOn: (taskId: string) => void;
  /** Scrolls to a task that was moved, as soon as it is at its new place. */
  follow: (taskId: string) => void;
  onMenu: (taskId: string) => void;
  onDelete: (task: Task) => void;
}

export function useBoardKeys({ shown, lift, focusOn, follow, onMenu, onDelete }: BoardKeysInput) {
  const commands = useTaskCommands();
  const isRefused = useIsNewWorkRefused();
  const mayChange = useMayChangeTasks();

  function act(action: BoardAction, task: Task): void {
    if (!mayChange && action.type !== 'focus') return;
    switch (action.type) {
      case 'focus':
        focusOn(action.taskId);
        break;
      case 'lift':
        lift.liftByKeys(task.id);
        break;
      case 'place':
        lift.choose(action.place);
        break;
      case 'drop':
        if (lift.end(true)) follow(task.id);
        break;
      case 'cancel':
        lift.end(false);
        break;
      case 'menu':
        onMenu(task.id);
        break;
      case 'run':
        if (possibleActions(task, isRefused).canRun) void commands.start(task);
        break;
      case 'delete':
        if (task.latestRun === null || hasEnded(task.latestRun)) onDelete(task);
        break;
    }
  }

  return (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    // The buttons of a card keep their keys.
    if (!(event.target instanceof HTMLAnchorElement)) return;
    const taskId = taskIdAt(event.target);
    const task = Object.values(shown)
      .flat()
      .find(({ id }) => id === taskId);
    if (task === undefined) return;
    const lifted = lift.lifted?.taskId === task.id ? lift.lifted.place : null;
    const input = { key: event.key, taskId: task.id, lifted, singleKeys: areSingleKeysOn() };
    const action = boardAction(shown, input);
    if (action === null) return;
    event.preventDefault();
    act(action, task);
  };
}

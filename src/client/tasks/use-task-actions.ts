/** The commands for tasks and runs, with what the buttons of a component need to know about their own calls. */

import { useTaskCommands } from './task-commands.ts';
import { usePending } from './use-pending.ts';

export function useTaskActions() {
  const commands = useTaskCommands();
  const [start, isStarting] = usePending(commands.start);
  const [abort, isAborting] = usePending(commands.abort);
  const [answer, isAnswering] = usePending(commands.answer);
  const [followUp, isFollowingUp] = usePending(commands.followUp);
  return { ...commands, start, isStarting, abort, isAborting, answer, isAnswering, followUp, isFollowingUp };
}

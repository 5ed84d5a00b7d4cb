/** The keys of the Tasks tab, for the dialog that lists the keyboard shortcuts. `board-keys.ts` decides what they do. */

interface TaskShortcut {
  label: string;
  /** Each of these does it. */
  keys: readonly string[];
}

export const taskShortcuts: readonly TaskShortcut[] = [
  { label: 'New task', keys: ['n'] },
  { label: 'Filter the tasks', keys: ['/'] },
  { label: 'Go from task to task', keys: ['←', '↑', '↓', '→'] },
  { label: 'Open the task', keys: ['Enter'] },
  { label: 'Lift the task; arrows move it', keys: ['Space'] },
  { label: 'Drop the lifted task', keys: ['Space', 'Enter'] },
  { label: 'Put the lifted task back', keys: ['Esc'] },
  { label: 'Run the task', keys: ['r'] },
  { label: 'Menu of the task', keys: ['m'] },
  { label: 'Delete the task', keys: ['Delete'] },
];

/** The keys of the Files tab, for the dialog that lists the keyboard shortcuts. The parts of the tab handle them. */

interface FileShortcut {
  label: string;
  /** Each of these does it. `mod` is Command on a Mac and Control elsewhere. */
  keys: readonly string[];
}

export const fileShortcuts: readonly FileShortcut[] = [
  { label: 'Open a file by its name', keys: ['mod+p', 'p'] },
  { label: 'Save the file', keys: ['mod+s'] },
  { label: 'Find in the file', keys: ['mod+f'] },
  { label: 'Leave the editor', keys: ['Escape Tab'] },
  { label: 'Rename in the tree', keys: ['F2'] },
  { label: 'Delete in the tree', keys: ['Delete'] },
];

/** The dialog that lists the keyboard shortcuts. */

import { Text } from '@mantine/core';
import { Link } from 'react-router';

import { fileShortcuts } from '../files/file-shortcuts.ts';
import { taskShortcuts } from '../tasks/board/task-shortcuts.ts';
import { Dialog } from '../ui/Dialog.tsx';
import { keyLabels } from './key-labels.ts';
import { shortcuts } from './shortcuts.ts';
import { useSingleKeys } from './single-keys.ts';

import classes from './palette.module.css';

export function ShortcutSheet({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const singleKeys = useSingleKeys();
  return (
    <Dialog opened={opened} onClose={onClose} title="Keyboard shortcuts">
      <dl className={classes.sheet}>
        {shortcuts.map(({ action, keys, label }) => (
          <Row key={action} label={label} keys={keys} between="then" />
        ))}
      </dl>
      <TabShortcuts tab="Tasks" shortcuts={taskShortcuts} />
      <TabShortcuts tab="Files" shortcuts={fileShortcuts} />
      <Text size="xs" c="dimmed" mt="md">
        {singleKeys
          ? 'You can turn off single-letter shortcuts in '
          : 'Single-letter shortcuts are turned off. Turn them on in '}
        <Link to="/settings/appearance" onClick={onClose}>
          Appearance
        </Link>
        .
      </Text>
    </Dialog>
  );
}

interface TabShortcutsProps {
  tab: string;
  shortcuts: readonly { label: string; keys: readonly string[] }[];
}

function TabShortcuts({ tab, shortcuts: ofTab }: TabShortcutsProps) {
  return (
    <>
      <Text size="xs" fw={600} mt="md">
        In the {tab} tab
      </Text>
      <dl className={classes.sheet}>
        {ofTab.map(({ keys, label }) => (
          <Row key={label} label={label} keys={keys} between="or" />
        ))}
      </dl>
    </>
  );
}

function Row({ label, keys, between }: { label: string; keys: readonly string[]; between: 'then' | 'or' }) {
  return (
    <div className={classes.shortcut}>
      <dt>{label}</dt>
      <dd>
        {keyLabels(keys).map((keyLabel, index) => (
          <span key={keyLabel}>
            {index > 0 && <span className={classes.then}>{between}</span>}
            <kbd className={classes.key}>{keyLabel}</kbd>
          </span>
        ))}
      </dd>
    </div>
  );
}

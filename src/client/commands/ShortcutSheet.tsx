import { Text } from '@mantine/core';
import { Link } from 'react-router';

import { Dialog } from '../ui/Dialog.tsx';
import { keyLabels } from './key-labels.ts';
import { shortcuts } from './shortcuts.ts';
import { useSingleKeys } from './single-keys.ts';

import classes from './commands.module.css';

/** What each key does. */
export function ShortcutSheet({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const singleKeys = useSingleKeys();
  return (
    <Dialog opened={opened} onClose={onClose} title="Keyboard shortcuts">
      <dl className={classes.sheet}>
        {shortcuts.map(({ action, keys, does }) => (
          <div key={action} className={classes.shortcut}>
            <dt>{does}</dt>
            <dd>
              {keyLabels(keys).map((label, index) => (
                <span key={label}>
                  {index > 0 && <span className={classes.then}>then</span>}
                  <kbd className={classes.key}>{label}</kbd>
                </span>
              ))}
            </dd>
          </div>
        ))}
      </dl>
      <Text size="xs" c="dimmed" mt="md">
        {singleKeys ? 'Single letters can be switched off in ' : 'Single letters are switched off. Switch them on in '}
        <Link to="/settings/appearance" onClick={onClose}>
          Appearance
        </Link>
        .
      </Text>
    </Dialog>
  );
}

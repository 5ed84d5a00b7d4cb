import { Modal } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useId, useState, type KeyboardEvent } from 'react';

import { matchCommands, type Command } from './match-commands.ts';
import { useCommands } from './use-commands.ts';

import classes from './commands.module.css';

export interface CommandPaletteProps {
  opened: boolean;
  onClose: () => void;
  onHelp: () => void;
}

/** Finds projects and commands by a few letters. */
export function CommandPalette({ opened, onClose, onHelp }: CommandPaletteProps) {
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      withCloseButton={false}
      returnFocus={false}
      transitionProps={{ duration: 0 }}
      centered={false}
      yOffset="14vh"
      size={560}
      padding={0}
      title={undefined}
      attributes={{ content: { 'aria-label': 'Commands' } }}
    >
      <PaletteBody onClose={onClose} onHelp={onHelp} />
    </Modal>
  );
}

function PaletteBody({ onClose, onHelp }: Pick<CommandPaletteProps, 'onClose' | 'onHelp'>) {
  const commands = useCommands({ onHelp });
  const [text, setText] = useState('');
  const [active, setActive] = useState(0);
  const id = useId();
  const found = matchCommands(commands, text);
  const current = Math.min(active, found.length - 1);
  const optionId = (index: number) => `${id}-${index}`;

  const run = (command: Command | undefined): void => {
    if (command === undefined) return;
    onClose();
    command.run();
  };
  const move = (to: number): void => {
    const next = (to + found.length) % found.length;
    setActive(next);
    document.querySelector(`#${CSS.escape(optionId(next))}`)?.scrollIntoView({ block: 'nearest' });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const moves: Record<string, number> = { ArrowDown: current + 1, ArrowUp: current - 1, Home: 0, End: -1 };
    const to = moves[event.key];
    if (event.key === 'Enter') {
      event.preventDefault();
      run(found[current]);
    } else if (to !== undefined && found.length > 0 && (text === '' || event.key.startsWith('Arrow'))) {
      event.preventDefault();
      move(to);
    }
  };

  return (
    <>
      <div className={classes.field}>
        <IconSearch size={17} stroke={1.7} aria-hidden="true" />
        <input
          data-autofocus
          // oxlint-disable-next-line jsx-a11y/no-autofocus -- the person has just asked for it, and types on
          autoFocus
          role="combobox"
          aria-label="Find a project or a command"
          aria-expanded={found.length > 0}
          aria-controls={`${id}-list`}
          aria-activedescendant={found.length === 0 ? undefined : optionId(current)}
          aria-autocomplete="list"
          placeholder="Find a project or a command…"
          autoComplete="off"
          spellCheck={false}
          maxLength={100}
          value={text}
          onChange={(event) => {
            setText(event.currentTarget.value);
            setActive(0);
          }}
          onKeyDown={onKeyDown}
        />
      </div>
      {/* oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- a select cannot be searched, a datalist not be styled */}
      <div className={classes.options} role="listbox" id={`${id}-list`} aria-label="Projects and commands">
        {found.map((command, index) => (
          // The keyboard stays in the field, which says by aria-activedescendant where it is.
          // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus
          <div
            key={command.id}
            id={optionId(index)}
            // oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- see the list
            role="option"
            aria-selected={index === current}
            className={classes.option}
            data-group={command.group === found[index - 1]?.group ? undefined : command.group}
            onPointerMove={() => setActive(index)}
            onClick={() => run(command)}
          >
            <span className={classes.label}>{command.label}</span>
            {command.hint !== undefined && <span className={classes.hint}>{command.hint}</span>}
          </div>
        ))}
      </div>
      {found.length === 0 && <p className={classes.none}>Nothing is called “{text.trim()}”.</p>}
      <output className={classes.count} aria-live="polite">
        {text === '' ? '' : `${found.length} found`}
      </output>
    </>
  );
}

/** The command palette: a dialog that finds projects and actions by a few letters. */

import { Modal } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useId, useState, type KeyboardEvent } from 'react';

import { matchActions, type PaletteAction } from './match-actions.ts';
import { usePaletteActions } from './use-palette-actions.ts';

import classes from './palette.module.css';

interface PaletteProps {
  opened: boolean;
  onClose: () => void;
  onHelp: () => void;
}

export function Palette({ opened, onClose, onHelp }: PaletteProps) {
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

function PaletteBody({ onClose, onHelp }: Pick<PaletteProps, 'onClose' | 'onHelp'>) {
  const [query, setQuery] = useState('');
  const matches = matchActions(usePaletteActions({ onHelp }), query);
  const [active, setActive] = useState(0);
  const current = Math.min(active, matches.length - 1);
  const id = useId();
  const optionId = (index: number) => `${id}-${index}`;

  const run = (action: PaletteAction | undefined): void => {
    if (action === undefined) return;
    onClose();
    action.run();
  };
  const move = (to: number): void => {
    const target = (to + matches.length) % matches.length;
    setActive(target);
    document.querySelector(`#${CSS.escape(optionId(target))}`)?.scrollIntoView({ block: 'nearest' });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const moves: Record<string, number> = { ArrowDown: current + 1, ArrowUp: current - 1, Home: 0, End: -1 };
    const to = moves[event.key];
    if (event.key === 'Enter') {
      event.preventDefault();
      run(matches[current]);
    } else if (to !== undefined && matches.length > 0 && (query === '' || event.key.startsWith('Arrow'))) {
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
          // oxlint-disable-next-line jsx-a11y/no-autofocus -- the user has just opened the palette and goes on typing
          autoFocus
          role="combobox"
          aria-label="Find a project or a command"
          aria-expanded={matches.length > 0}
          aria-controls={`${id}-list`}
          aria-activedescendant={matches.length === 0 ? undefined : optionId(current)}
          aria-autocomplete="list"
          placeholder="Find a project or a command…"
          autoComplete="off"
          spellCheck={false}
          maxLength={100}
          value={query}
          onChange={(event) => {
            setQuery(event.currentTarget.value);
            setActive(0);
          }}
          onKeyDown={onKeyDown}
        />
      </div>
      <Options id={id} matches={matches} current={current} onActivate={setActive} onRun={run} />
      {matches.length === 0 && <p className={classes.none}>Nothing matches “{query.trim()}”.</p>}
      <output className={classes.count} aria-live="polite">
        {query === '' ? '' : `${matches.length} found`}
      </output>
    </>
  );
}

interface OptionsProps {
  id: string;
  matches: readonly PaletteAction[];
  current: number;
  onActivate: (index: number) => void;
  onRun: (action: PaletteAction) => void;
}

/** The matches. The keyboard focus stays in the search field, which names the current option in `aria-activedescendant`. */
function Options({ id, matches, current, onActivate, onRun }: OptionsProps) {
  return (
    // oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- a select has no search field, a datalist cannot be styled
    <div className={classes.options} role="listbox" id={`${id}-list`} aria-label="Projects and commands">
      {matches.map((action, index) => (
        // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus -- see above
        <div
          key={action.id}
          id={`${id}-${index}`}
          // oxlint-disable-next-line jsx-a11y/prefer-tag-over-role -- see the list
          role="option"
          aria-selected={index === current}
          className={classes.option}
          data-group={action.group === matches[index - 1]?.group ? undefined : action.group}
          onPointerMove={() => onActivate(index)}
          onClick={() => onRun(action)}
        >
          <span className={classes.label}>{action.label}</span>
          {action.hint !== undefined && <span className={classes.hint}>{action.hint}</span>}
        </div>
      ))}
    </div>
  );
}

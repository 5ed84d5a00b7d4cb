/** The header of all pages for signed-in users. */

import { VisuallyHidden } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { Link, NavLink } from 'react-router';

import { keyLabels } from '../palette/key-labels.ts';
import { ColorSchemeToggle } from './ColorSchemeToggle.tsx';
import { ConnectionIndicator } from './ConnectionIndicator.tsx';
import { Logo } from './Logo.tsx';
import { UserMenu } from './UserMenu.tsx';

import classes from './header.module.css';

export function Header({ onOpenPalette }: { onOpenPalette: () => void }) {
  return (
    <header className={classes.root}>
      <div className={classes.inner}>
        <Link to="/projects" className={classes.brand} aria-label="OpenCode Project Manager">
          <Logo />
          <span className={classes.name}>OpenCode Project Manager</span>
        </Link>
        <nav aria-label="Main" className={classes.nav}>
          <NavLink to="/projects" className={classes.link ?? ''}>
            Projects
          </NavLink>
        </nav>
        <div className={classes.tools}>
          <ConnectionIndicator />
          <PaletteButton onOpen={onOpenPalette} />
          <ColorSchemeToggle />
          <UserMenu />
        </div>
      </div>
    </header>
  );
}

/** Opens the command palette, and shows the keys that open it too. */
function PaletteButton({ onOpen }: { onOpen: () => void }) {
  return (
    <button type="button" className={classes.palette} onClick={onOpen}>
      <IconSearch size={15} stroke={1.8} aria-hidden="true" />
      <span className={classes.paletteText}>
        Find<VisuallyHidden> a project or a command</VisuallyHidden>
      </span>
      <kbd className={classes.paletteKey} aria-hidden="true">
        {keyLabels(['mod+k'])}
      </kbd>
    </button>
  );
}

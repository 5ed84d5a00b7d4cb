/** The frame of pages outside of the navigation, such as "Page not found". */

import type { ReactNode } from 'react';
import { Link } from 'react-router';

import { Logo } from './Logo.tsx';

import classes from './bare-page.module.css';

export function BarePage({ children }: { children: ReactNode }) {
  return (
    <div className={classes.root}>
      <header className={classes.header}>
        <Link to="/projects" className={classes.brand} aria-label="OpenCode Project Manager: to the projects">
          <Logo />
        </Link>
      </header>
      <main className={classes.main}>{children}</main>
    </div>
  );
}

import { Link, NavLink } from 'react-router';

import { ColorSchemeToggle } from './ColorSchemeToggle.tsx';
import { ConnectionIndicator } from './ConnectionIndicator.tsx';
import { Logo } from './Logo.tsx';
import { UserMenu } from './UserMenu.tsx';

import classes from './header.module.css';

/** The bar on top of each page. */
export function Header() {
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
          <ColorSchemeToggle />
          <UserMenu />
        </div>
      </div>
    </header>
  );
}

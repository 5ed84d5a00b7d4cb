/** The navigation between the settings pages. */

import { NavLink } from 'react-router';

import classes from './settings.module.css';

export function SettingsNav() {
  return (
    <nav aria-label="Settings" className={classes.nav}>
      <NavLink to="/settings/profile" className={classes.tab ?? ''}>
        Profile
      </NavLink>
      <NavLink to="/settings/defaults" className={classes.tab ?? ''}>
        Defaults
      </NavLink>
      <NavLink to="/settings/models" className={classes.tab ?? ''}>
        Models
      </NavLink>
      <NavLink to="/settings/usage" className={classes.tab ?? ''}>
        Usage
      </NavLink>
      <NavLink to="/settings/tokens" className={classes.tab ?? ''}>
        Access tokens
      </NavLink>
      <NavLink to="/settings/sessions" className={classes.tab ?? ''}>
        Sessions
      </NavLink>
      <NavLink to="/settings/notifications" className={classes.tab ?? ''}>
        Notifications
      </NavLink>
      <NavLink to="/settings/appearance" className={classes.tab ?? ''}>
        Appearance
      </NavLink>
    </nav>
  );
}

import { Switch, Text, Title, useMantineColorScheme, type MantineColorScheme } from '@mantine/core';
import { IconDeviceDesktop, IconMoon, IconSun, type TablerIcon } from '@tabler/icons-react';

import { setSingleKeys, useSingleKeys } from '../palette/single-keys.ts';
import { PageTitle } from '../ui/PageTitle.tsx';
import { SettingsNav } from './SettingsNav.tsx';

import classes from './settings.module.css';

const schemes: { value: MantineColorScheme; label: string; says: string; icon: TablerIcon }[] = [
  { value: 'auto', label: 'System', says: 'As the device has it', icon: IconDeviceDesktop },
  { value: 'light', label: 'Light', says: 'Always', icon: IconSun },
  { value: 'dark', label: 'Dark', says: 'Always', icon: IconMoon },
];

/** How the application looks and listens in this browser. */
export function AppearancePage() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const singleKeys = useSingleKeys();
  return (
    <div className={classes.root}>
      <PageTitle>Appearance</PageTitle>
      <SettingsNav />
      <Title order={1}>Appearance</Title>
      <Text c="dimmed" mt={4}>
        Kept in this browser. Motion is reduced where the system asks for it.
      </Text>
      <fieldset className={classes.choices}>
        <legend>Theme</legend>
        {schemes.map(({ value, label, says, icon: Icon }) => (
          <label key={value} className={classes.choice}>
            <input
              type="radio"
              name="theme"
              value={value}
              checked={colorScheme === value}
              onChange={() => setColorScheme(value)}
            />
            <Icon size={20} stroke={1.6} aria-hidden="true" />
            <span className={classes.words}>
              <span className={classes.name}>{label}</span>
              <span className={classes.facts}>{says}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <div className={classes.list}>
        <div className={classes.row}>
          <Switch
            label="Shortcuts of single letters"
            description="Such as C for a new project. Press ? for all of them. Ctrl K and ⌘ K always work."
            checked={singleKeys}
            onChange={(event) => setSingleKeys(event.currentTarget.checked)}
          />
        </div>
      </div>
    </div>
  );
}

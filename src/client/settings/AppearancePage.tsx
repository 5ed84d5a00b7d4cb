/** The settings of this browser: theme and keyboard shortcuts. */

import { Switch, Text, Title, useMantineColorScheme, type MantineColorScheme } from '@mantine/core';
import { IconDeviceDesktop, IconMoon, IconSun, type TablerIcon } from '@tabler/icons-react';

import { setSingleKeys, useSingleKeys } from '../palette/single-keys.ts';
import { PageTitle } from '../ui/PageTitle.tsx';
import { SettingsNav } from './SettingsNav.tsx';

import classes from './settings.module.css';

const schemes: { value: MantineColorScheme; label: string; description: string; icon: TablerIcon }[] = [
  { value: 'auto', label: 'System', description: 'Same as the device', icon: IconDeviceDesktop },
  { value: 'light', label: 'Light', description: 'Always', icon: IconSun },
  { value: 'dark', label: 'Dark', description: 'Always', icon: IconMoon },
];

export function AppearancePage() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const singleKeys = useSingleKeys();
  return (
    <div className={classes.root}>
      <PageTitle>Appearance</PageTitle>
      <SettingsNav />
      <Title order={1}>Appearance</Title>
      <Text c="dimmed" mt={4}>
        Saved in this browser. Animations are reduced when the system requests it.
      </Text>
      <fieldset className={classes.choices}>
        <legend>Theme</legend>
        {schemes.map(({ value, label, description, icon: Icon }) => (
          <label key={value} className={classes.choice}>
            <input
              type="radio"
              name="theme"
              value={value}
              checked={colorScheme === value}
              onChange={() => setColorScheme(value)}
            />
            <Icon size={20} stroke={1.6} aria-hidden="true" />
            <span className={classes.text}>
              <span className={classes.name}>{label}</span>
              <span className={classes.facts}>{description}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <div className={classes.list}>
        <div className={classes.row}>
          <Switch
            label="Single-letter shortcuts"
            description="For example C for a new project. Press ? for the full list. Ctrl K and ⌘ K always work."
            checked={singleKeys}
            onChange={(event) => setSingleKeys(event.currentTarget.checked)}
          />
        </div>
      </div>
    </div>
  );
}

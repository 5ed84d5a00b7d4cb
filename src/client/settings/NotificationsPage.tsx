/** Whether this browser notifies its user of what happens while nobody looks at the page. */

import { Alert, Button, Switch, Text, Title } from '@mantine/core';
import { useState } from 'react';

import { showNotification } from '../notifications/notify-of-projects.ts';
import { setNotifying, useNotifying } from '../notifications/setting.ts';
import { PageTitle } from '../ui/PageTitle.tsx';
import { SettingsNav } from './SettingsNav.tsx';

import classes from './settings.module.css';

const example = {
  tag: 'example',
  title: '“Example” needs an answer',
  body: '1 agent run waits for you.',
  path: '/settings/notifications',
};

/** Browsers offer notifications to pages with https, and to this machine itself. */
const permissionOf = () => ('Notification' in window ? Notification.permission : 'unsupported');

const refusals = {
  denied:
    'Your browser blocks notifications of this site. Allow them in its settings for this site, then switch this on.',
  unsupported: 'This browser offers no notifications here. It may need an address that begins with https.',
};

export function NotificationsPage() {
  const isOn = useNotifying();
  const [permission, setPermission] = useState(permissionOf);
  const refusal = permission === 'denied' || permission === 'unsupported' ? refusals[permission] : null;
  const change = async (on: boolean): Promise<void> => {
    // The browser asks the person, unless it has an answer already.
    const answer = on ? await Notification.requestPermission() : permissionOf();
    setPermission(answer);
    setNotifying(on && answer === 'granted');
  };
  const isShown = isOn && permission === 'granted';
  return (
    <div className={classes.root}>
      <PageTitle>Notifications</PageTitle>
      <SettingsNav />
      <Title order={1}>Notifications</Title>
      <Text c="dimmed" mt={4}>
        Saved in this browser. One tab with your projects must be open, and may be in the background.
      </Text>
      <div className={classes.list}>
        <div className={classes.row}>
          <Switch
            label="Notify me in this browser"
            description="When the agent needs an answer from you, and when a project fails."
            checked={isShown}
            disabled={permission === 'unsupported'}
            onChange={(event) => void change(event.currentTarget.checked)}
          />
        </div>
      </div>
      {refusal !== null && (
        <Alert mt="md" color="yellow">
          {refusal}
        </Alert>
      )}
      {isShown && (
        <Button mt="md" variant="default" size="xs" onClick={() => showNotification(example, () => undefined)}>
          Show an example
        </Button>
      )}
    </div>
  );
}

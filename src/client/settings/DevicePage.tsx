/** The page on which a person lets a computer act in their name, by the code that `opm login` shows there. */

import { Alert, Button, Group, Text, TextInput, Title } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck, IconCircleOff } from '@tabler/icons-react';
import { useState, type SubmitEvent } from 'react';
import { Link, useSearchParams } from 'react-router';

import { readUserCode, type WaitingDevice } from '../../shared/contract/device-login.ts';
import { readError } from '../api/read-error.ts';
import { trpc } from '../api/trpc.ts';
import { Message } from '../ui/Message.tsx';
import { PageTitle } from '../ui/PageTitle.tsx';
import { Time } from '../ui/Time.tsx';

import classes from './settings.module.css';

export function DevicePage() {
  const [search] = useSearchParams();
  const [typed, setTyped] = useState(search.get('code') ?? '');
  /** The code that the server was asked about. A code of the address is looked up at once. Nothing is decided by that. */
  const [userCode, setUserCode] = useState(() => readUserCode(typed));
  const [problem, setProblem] = useState<string | null>(null);
  const device = trpc.devices.find.useQuery(
    { userCode: userCode ?? '' },
    // Each question counts against the tries of the person.
    { enabled: userCode !== null, retry: false, refetchOnMount: false, gcTime: 0 },
  );

  const lookUp = (event: SubmitEvent): void => {
    event.preventDefault();
    const code = readUserCode(typed);
    setProblem(code === null ? 'The code has eight letters, such as BCDF-GHJK. Vowels are not among them.' : null);
    if (code !== null && code === userCode) void device.refetch();
    else setUserCode(code);
  };

  return (
    <div className={classes.root}>
      <PageTitle>Log in a computer</PageTitle>
      {device.data === undefined || userCode === null ? (
        <CodeForm
          typed={typed}
          onType={setTyped}
          onSubmit={lookUp}
          error={problem ?? (device.isError ? readError(device.error).message : null)}
          pending={device.isFetching}
        />
      ) : (
        <Decision key={device.data.userCode} device={device.data} />
      )}
    </div>
  );
}

interface CodeFormProps {
  typed: string;
  onType: (text: string) => void;
  onSubmit: (event: SubmitEvent) => void;
  error: string | null;
  pending: boolean;
}

function CodeForm({ typed, onType, onSubmit, error, pending }: CodeFormProps) {
  return (
    <form onSubmit={onSubmit} noValidate>
      <Title order={1}>Log in a computer</Title>
      <Text c="dimmed" mt={4}>
        Run “opm login” on the computer. It shows a code of eight letters.
      </Text>
      <TextInput
        label="Code"
        placeholder="BCDF-GHJK"
        mt="lg"
        maw={320}
        maxLength={64}
        autoComplete="off"
        autoCapitalize="characters"
        spellCheck={false}
        value={typed}
        onChange={(event) => onType(event.currentTarget.value)}
        error={error}
      />
      <Button type="submit" mt="md" loading={pending} disabled={typed.trim() === ''}>
        Continue
      </Button>
    </form>
  );
}

function Decision({ device }: { device: WaitingDevice }) {
  const confirm = trpc.devices.confirm.useMutation();
  const refuse = trpc.devices.refuse.useMutation();
  const error = confirm.error ?? refuse.error;
  const isPending = confirm.isPending || refuse.isPending;
  const { userCode } = device;
  if (confirm.isSuccess) return <LoggedIn name={device.name} />;
  if (refuse.isSuccess) return <Refused name={device.name} />;
  const facts = [
    ['Computer', device.name],
    ['Address', device.address],
    ['Asked', <Time key="time" iso={device.startedAt} />],
    ['Code', <code key="code">{userCode}</code>],
  ] as const;
  return (
    <>
      <Title order={1}>Log in this computer?</Title>
      <Text c="dimmed" mt={4}>
        It will be able to do everything in your name, for 90 days or until you revoke its token.
      </Text>
      <dl className={classes.list}>
        {facts.map(([label, fact]) => (
          <div key={label} className={classes.row}>
            <dt className={classes.label}>{label}</dt>
            <dd className={classes.fact}>{fact}</dd>
          </div>
        ))}
      </dl>
      <Alert color="yellow" mt="md" icon={<IconAlertTriangle size={18} />}>
        <strong>Did you start this login yourself?</strong> Confirm only if you have just run “opm login” and see the
        same code there. If somebody sent you this code or a link, refuse: their computer would work in your name, with
        all your projects.
      </Alert>
      {error !== null && (
        <Alert color="red" variant="light" mt="md" role="alert">
          {readError(error).message}
        </Alert>
      )}
      <Group gap="xs" mt="lg">
        <Button
          onClick={() => confirm.mutate({ userCode })}
          loading={confirm.isPending}
          disabled={isPending && !confirm.isPending}
        >
          Log in this computer
        </Button>
        <Button
          variant="default"
          onClick={() => refuse.mutate({ userCode })}
          loading={refuse.isPending}
          disabled={isPending && !refuse.isPending}
        >
          Refuse
        </Button>
      </Group>
    </>
  );
}

function LoggedIn({ name }: { name: string }) {
  return (
    <Message
      order={1}
      role="alert"
      icon={<IconCircleCheck size={22} stroke={1.6} />}
      title={`${name} is logged in`}
      actions={
        <Button component={Link} to="/settings/tokens" variant="default">
          Show access tokens
        </Button>
      }
    >
      You can close this page and continue on the computer. Its token appears among your access tokens, where you can
      revoke it.
    </Message>
  );
}

function Refused({ name }: { name: string }) {
  return (
    <Message
      order={1}
      role="alert"
      icon={<IconCircleOff size={22} stroke={1.6} />}
      title="The login was refused"
      actions={
        <Button component={Link} to="/projects" variant="default">
          Go to your projects
        </Button>
      }
    >
      {name} got no access.
    </Message>
  );
}

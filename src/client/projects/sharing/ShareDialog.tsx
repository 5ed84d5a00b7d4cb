/**
 * The dialog with the people of a project. The owner adds people by e-mail address, changes roles and removes people. Members see who has
 * access, and can leave.
 */

import { ActionIcon, Button, Group, NativeSelect, Stack, Text, TextInput } from '@mantine/core';
import { IconSelector, IconX } from '@tabler/icons-react';
import { useState } from 'react';
import { useNavigate } from 'react-router';

import type { ProjectMember } from '../../../shared/contract/members.ts';
import type { Project } from '../../../shared/contract/project.ts';
import { memberRoles, roleMay, type MemberRole } from '../../../shared/contract/roles.ts';
import { readError } from '../../api/read-error.ts';
import { Dialog } from '../../ui/Dialog.tsx';
import { LoadFailure } from '../../ui/LoadFailure.tsx';
import { notifyDone } from '../../ui/notify.ts';
import { PageLoading } from '../../ui/PageLoading.tsx';
import { roleText } from './right-text.ts';
import { useMembers } from './use-members.ts';

import classes from './sharing.module.css';

const roleChoices = [
  { value: 'viewer', label: 'Viewer' },
  { value: 'editor', label: 'Editor' },
] satisfies { value: MemberRole; label: string }[];

const roleOf = (value: string): MemberRole => memberRoles.find((role) => role === value) ?? 'viewer';

interface ShareDialogProps {
  /** The project to share; `null` while the dialog is closed. */
  project: Project | null;
  onClose: () => void;
}

export function ShareDialog({ project, onClose }: ShareDialogProps) {
  const title = project === null || roleMay(project.role, 'share') ? 'Share project' : 'Members of the project';
  return (
    <Dialog opened={project !== null} onClose={onClose} title={title}>
      {project !== null && <ShareBody project={project} onClose={onClose} />}
    </Dialog>
  );
}

function ShareBody({ project, onClose }: { project: Project; onClose: () => void }) {
  const navigate = useNavigate();
  const members = useMembers(project.id, () => {
    notifyDone(`You have left “${project.name}”.`);
    void navigate('/projects');
  });
  const { query } = members;
  const mayShare = roleMay(project.role, 'share');
  if (query.data === undefined) {
    if (query.isPending) return <PageLoading />;
    const retry = () => void query.refetch();
    return <LoadFailure what="The members" error={query.error} retrying={query.isFetching} onRetry={retry} />;
  }
  return (
    <Stack gap="md">
      {mayShare && <AddPerson project={project} add={members.add} />}
      <ul className={classes.people} aria-label="People with access">
        <li className={classes.person}>
          <Person {...query.data.owner} />
          <span className={classes.role}>Owner</span>
        </li>
        {query.data.members.map((member) => (
          <li key={member.userId} className={classes.person}>
            <Person {...member} />
            {mayShare ? (
              <MemberControls projectId={project.id} member={member} members={members} />
            ) : (
              <span className={classes.role}>{member.role === 'editor' ? 'Editor' : 'Viewer'}</span>
            )}
          </li>
        ))}
      </ul>
      <ul className={classes.rights}>
        {memberRoles.map((role) => (
          <li key={role}>{roleText(role)}</li>
        ))}
        <li>Quotas, model keys and the cost of models are those of the owner. An editor can use them up.</li>
      </ul>
      <Group justify="flex-end" gap="xs">
        {roleMay(project.role, 'leave') && (
          <Button
            variant="subtle"
            color="red"
            loading={members.leave.isPending}
            onClick={() => members.leave.mutate({ id: project.id })}
          >
            Leave the project
          </Button>
        )}
        <Button variant="default" onClick={onClose}>
          Close
        </Button>
      </Group>
    </Stack>
  );
}

type Members = ReturnType<typeof useMembers>;

function AddPerson({ project, add }: { project: Project; add: Members['add'] }) {
  const [email, setEmail] = useState('');
  const [role, setRole] = useState<MemberRole>('viewer');
  const error = add.error === null ? null : readError(add.error);
  const submit = (): void => {
    if (add.isPending) return;
    add.mutate({ id: project.id, email, role }, { onSuccess: () => setEmail('') });
  };
  return (
    <form
      className={classes.add}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <TextInput
        className={classes.address}
        aria-label="E-mail address"
        placeholder="E-mail address"
        description="Of somebody who has signed in here before"
        inputWrapperOrder={['input', 'description', 'error']}
        type="email"
        autoComplete="off"
        data-autofocus
        value={email}
        error={error === null ? null : (error.fields['email'] ?? error.message)}
        onChange={(event) => {
          setEmail(event.currentTarget.value);
          add.reset();
        }}
      />
      <RoleSelect label="Role" role={role} onChange={setRole} />
      <Button type="submit" loading={add.isPending}>
        Share
      </Button>
    </form>
  );
}

function MemberControls({
  projectId,
  member,
  members,
}: {
  projectId: string;
  member: ProjectMember;
  members: Members;
}) {
  const { userId, name, role } = member;
  return (
    <>
      <RoleSelect
        label={`Role of ${name}`}
        role={role}
        onChange={(changed) => members.setRole.mutate({ id: projectId, userId, role: changed })}
      />
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={`Remove ${name}`}
        onClick={() => members.remove.mutate({ id: projectId, userId })}
      >
        <IconX size={16} stroke={1.7} />
      </ActionIcon>
    </>
  );
}

interface RoleSelectProps {
  label: string;
  role: MemberRole;
  onChange: (role: MemberRole) => void;
}

function RoleSelect({ label, role, onChange }: RoleSelectProps) {
  return (
    <NativeSelect
      aria-label={label}
      value={role}
      data={roleChoices}
      rightSection={<IconSelector size={14} stroke={1.8} />}
      rightSectionPointerEvents="none"
      onChange={(event) => onChange(roleOf(event.currentTarget.value))}
    />
  );
}

function Person({ name, email }: { name: string; email: string | null }) {
  return (
    <div className={classes.who}>
      <Text span size="sm">
        {name}
      </Text>
      {email !== null && <span className={classes.email}>{email}</span>}
    </div>
  );
}

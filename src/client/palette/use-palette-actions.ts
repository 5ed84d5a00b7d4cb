/** The actions that the palette offers on the current page. */

import { useMantineColorScheme, type MantineColorScheme } from '@mantine/core';
import { useMatch, useNavigate } from 'react-router';

import type { Project } from '../../shared/contract/project.ts';
import { roleMay } from '../../shared/contract/roles.ts';
import { useApp } from '../app-context.ts';
import { badgeOf } from '../projects/badge.ts';
import { canOpen, openInNewTab } from '../projects/open-project.ts';
import { refusalOf, useProjectActions, type DirectCommand } from '../projects/use-project-actions.ts';
import { notifyFailure } from '../ui/notify.ts';
import type { PaletteAction } from './match-actions.ts';

const directCommands: Record<DirectCommand, string> = {
  start: 'Start',
  stop: 'Stop',
  restart: 'Restart',
  retry: 'Retry',
  restore: 'Restore from the trash',
};
const pages = [
  { to: '/projects', label: 'Projects' },
  { to: '/projects?status=trash', label: 'Trash' },
  { to: '/settings/profile', label: 'Profile', hint: 'Settings' },
  { to: '/settings/models', label: 'Models', hint: 'Settings' },
  { to: '/settings/usage', label: 'Usage', hint: 'Settings' },
  { to: '/settings/tokens', label: 'Access tokens', hint: 'Settings' },
  { to: '/settings/sessions', label: 'Sessions', hint: 'Settings' },
  { to: '/settings/notifications', label: 'Notifications', hint: 'Settings' },
  { to: '/settings/appearance', label: 'Appearance', hint: 'Settings' },
];
const themes: Record<MantineColorScheme, string> = {
  auto: 'Use the theme of the system',
  light: 'Use the light theme',
  dark: 'Use the dark theme',
};

export function usePaletteActions({ onHelp }: { onHelp: () => void }): PaletteAction[] {
  const { projectCache } = useApp();
  const currentId = useMatch('/projects/:projectId/*')?.params.projectId;
  const current = currentId === undefined ? undefined : projectCache.newest(currentId);
  const projectActions = useCurrentProjectActions(current);
  const themeActions = useThemeActions();
  const signOut = useSignOutAction();
  const navigate = useNavigate();

  const projects = projectCache
    .all()
    .filter(({ id, status, trashedAt }) => id !== currentId && status !== 'archived' && trashedAt === null)
    .toSorted((one, other) => one.name.localeCompare(other.name))
    .map((project): PaletteAction => ({
      id: project.id,
      group: 'Projects',
      label: project.name,
      hint: badgeOf(project).label,
      run: () => void navigate(`/projects/${project.id}`),
    }));
  return [
    ...projectActions,
    ...projects,
    ...pages.map(({ to, ...page }): PaletteAction => ({
      id: to,
      group: 'Go to',
      ...page,
      run: () => void navigate(to),
    })),
    { id: 'new', group: 'More', label: 'New project', run: () => void navigate('/projects?new') },
    ...themeActions,
    { id: 'help', group: 'More', label: 'Keyboard shortcuts', run: onHelp },
    signOut,
  ];
}

/** The commands that the project accepts in its current state, and the dialogs of its page. */
function useCurrentProjectActions(project: Project | undefined): PaletteAction[] {
  const navigate = useNavigate();
  const { run } = useProjectActions();
  if (project === undefined) return [];
  const action = (id: string, label: string, act: () => void): PaletteAction => ({
    id,
    group: 'This project',
    label,
    hint: project.name,
    run: act,
  });
  const commands = Object.keys(directCommands) as DirectCommand[]; // the keys of the record above
  return [
    ...(canOpen(project) ? [action('open', 'Open', () => openInNewTab(project.id))] : []),
    ...commands
      .filter((command) => refusalOf(command, project) === null)
      .map((command) => action(command, directCommands[command], () => run(command, project))),
    ...(refusalOf('update', project) === null ? [action('rename', 'Rename', () => void navigate('?edit=name'))] : []),
    ...(project.status === 'archived'
      ? []
      : [action('share', roleMay(project.role, 'share') ? 'Share…' : 'Members…', () => void navigate('?share'))]),
    ...(refusalOf('delete', project) === null ? [action('delete', 'Delete…', () => void navigate('?delete'))] : []),
  ];
}

/** The themes that are not the current one. */
function useThemeActions(): PaletteAction[] {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (Object.keys(themes) as MantineColorScheme[]) // the keys of the record above
    .filter((scheme) => scheme !== colorScheme)
    .map((scheme) => ({ id: scheme, group: 'More', label: themes[scheme], run: () => setColorScheme(scheme) }));
}

function useSignOutAction(): PaletteAction {
  const { session } = useApp();
  return {
    id: 'sign-out',
    group: 'More',
    label: 'Sign out',
    run: () => {
      session.signOut().catch((error: unknown) => notifyFailure('You are still signed in', error));
    },
  };
}

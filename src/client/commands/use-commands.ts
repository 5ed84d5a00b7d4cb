import { useMantineColorScheme, type MantineColorScheme } from '@mantine/core';
import { useMatch, useNavigate } from 'react-router';

import type { Project } from '../../shared/contract/project.ts';
import { useApp } from '../app-context.ts';
import { badgeOf } from '../projects/badge.ts';
import { refusalOf, useProjectActions, type DirectAction } from '../projects/use-project-actions.ts';
import { notifyFailure } from '../ui/notify.ts';
import type { Command } from './match-commands.ts';

const directActions: Record<DirectAction, string> = {
  start: 'Start',
  stop: 'Stop',
  restart: 'Restart',
  retry: 'Retry',
};
const pages = [
  ['/projects', 'Projects', ''],
  ['/settings/profile', 'Profile', 'Settings'],
  ['/settings/tokens', 'Access tokens', 'Settings'],
  ['/settings/sessions', 'Sessions', 'Settings'],
  ['/settings/appearance', 'Appearance', 'Settings'],
] as const;
const schemes: Record<MantineColorScheme, string> = {
  auto: 'Use the theme of the system',
  light: 'Use the light theme',
  dark: 'Use the dark theme',
};

/** Everything that the palette offers here and now. */
export function useCommands({ onHelp }: { onHelp: () => void }): Command[] {
  const { projectCache, session } = useApp();
  const navigate = useNavigate();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const { run } = useProjectActions();
  const here = useMatch('/projects/:projectId/*')?.params.projectId;
  const project = here === undefined ? undefined : projectCache.newest(here);
  const go = (to: string) => () => void navigate(to);

  const ofProject = (current: Project): Command[] => [
    ...(Object.keys(directActions) as DirectAction[]) // its own keys
      .filter((action) => refusalOf(action, current) === null)
      .map((action) => ({
        id: action,
        group: 'This project' as const,
        label: directActions[action],
        hint: current.name,
        run: () => run(action, current),
      })),
    ...(refusalOf('update', current) === null
      ? [{ id: 'rename', group: 'This project' as const, label: 'Rename', hint: current.name, run: go('?edit=name') }]
      : []),
    ...(refusalOf('delete', current) === null
      ? [{ id: 'delete', group: 'This project' as const, label: 'Delete…', hint: current.name, run: go('?delete') }]
      : []),
  ];
  const projects = projectCache
    .all()
    .filter(({ id, status }) => id !== here && status !== 'archived')
    .toSorted((one, other) => one.name.localeCompare(other.name))
    .map((each): Command => ({
      id: each.id,
      group: 'Projects',
      label: each.name,
      hint: badgeOf(each).label,
      run: go(`/projects/${each.id}`),
    }));
  return [
    ...(project === undefined ? [] : ofProject(project)),
    ...projects,
    ...pages.map(([to, label, hint]): Command => ({
      id: to,
      group: 'Go to',
      label,
      ...(hint === '' ? {} : { hint }),
      run: go(to),
    })),
    { id: 'new', group: 'More', label: 'New project', run: go('/projects?new') },
    ...(Object.keys(schemes) as MantineColorScheme[]) // its own keys
      .filter((scheme) => scheme !== colorScheme)
      .map((scheme): Command => ({
        id: scheme,
        group: 'More',
        label: schemes[scheme],
        run: () => setColorScheme(scheme),
      })),
    { id: 'help', group: 'More', label: 'Keyboard shortcuts', run: onHelp },
    {
      id: 'sign-out',
      group: 'More',
      label: 'Sign out',
      run: () => {
        session.signOut().catch((error: unknown) => notifyFailure('You are still signed in', error));
      },
    },
  ];
}

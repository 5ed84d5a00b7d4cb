/** The tabs of a project's page. Each tab has its own address. */

import { Tabs } from '@mantine/core';
import { Suspense } from 'react';
import { useNavigate } from 'react-router';

import type { Project } from '../../shared/contract/project.ts';
import { roleMay } from '../../shared/contract/roles.ts';
import { lazyPart } from '../ui/lazy-part.ts';
import { PageLoading } from '../ui/PageLoading.tsx';
import { ProjectOverview } from './ProjectOverview.tsx';

const tabs = ['overview', 'logs', 'tasks', 'files', 'config'] as const;
export type ProjectTab = (typeof tabs)[number];

export function isProjectTab(text: string): text is ProjectTab {
  return tabs.some((tab) => tab === text);
}

const ConfigTab = lazyPart(async () => (await import('./config/ConfigTab.tsx')).ConfigTab);
const FilesTab = lazyPart(async () => (await import('../files/FilesTab.tsx')).FilesTab);
const LogsTab = lazyPart(async () => (await import('./LogsTab.tsx')).LogsTab);

const TasksTab = lazyPart(async () => (await import('../tasks/TasksTab.tsx')).TasksTab);

const labels = {
  overview: 'Overview',
  logs: 'Logs',
  tasks: 'Tasks',
  files: 'Files',
  config: 'Config',
} satisfies Record<ProjectTab, string>;

export function ProjectTabs({ project, tab }: { project: Project; tab: ProjectTab }) {
  // The configuration may contain secrets, so who may not change it cannot read it.
  const shown = tabs.filter((each) => each !== 'config' || roleMay(project.role, 'edit'));
  const navigate = useNavigate();
  const open = (opened: string | null): void => {
    void navigate(`/projects/${project.id}${opened === null || opened === 'overview' ? '' : `/${opened}`}`);
  };
  return (
    <Tabs value={shown.includes(tab) ? tab : 'overview'} onChange={open} keepMounted={false} mt="lg">
      <Tabs.List>
        {shown.map((each) => (
          <Tabs.Tab key={each} value={each}>
            {labels[each]}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value="overview" pt="lg">
        <ProjectOverview project={project} />
      </Tabs.Panel>
      <Tabs.Panel value="logs" pt="lg">
        <Suspense fallback={<PageLoading />}>
          <LogsTab project={project} />
        </Suspense>
      </Tabs.Panel>
      <Tabs.Panel value="tasks" pt="lg">
        <Suspense fallback={<PageLoading />}>
          <TasksTab project={project} />
        </Suspense>
      </Tabs.Panel>
      <Tabs.Panel value="files" pt="lg">
        <Suspense fallback={<PageLoading />}>
          <FilesTab project={project} />
        </Suspense>
      </Tabs.Panel>
      <Tabs.Panel value="config" pt="lg">
        <Suspense fallback={<PageLoading />}>
          <ConfigTab project={project} />
        </Suspense>
      </Tabs.Panel>
    </Tabs>
  );
}

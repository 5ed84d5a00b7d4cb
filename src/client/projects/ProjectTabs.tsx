import { Tabs } from '@mantine/core';
import { IconAdjustments, IconChecklist, IconFolder } from '@tabler/icons-react';
import { useNavigate } from 'react-router';

import type { Project } from '../../shared/contract/project.ts';
import { Message } from '../ui/Message.tsx';
import { ProjectOverview } from './ProjectOverview.tsx';

const tabs = ['overview', 'tasks', 'files', 'config'] as const;
export type ProjectTab = (typeof tabs)[number];

export function isProjectTab(text: string): text is ProjectTab {
  return tabs.some((tab) => tab === text);
}

const labels = { overview: 'Overview', tasks: 'Tasks', files: 'Files', config: 'Config' } satisfies Record<
  ProjectTab,
  string
>;

/** What a project's page shows below its head. Each tab has an address of its own. */
export function ProjectTabs({ project, tab }: { project: Project; tab: ProjectTab }) {
  const navigate = useNavigate();
  const open = (next: string | null): void => {
    void navigate(`/projects/${project.id}${next === null || next === 'overview' ? '' : `/${next}`}`);
  };
  return (
    <Tabs value={tab} onChange={open} keepMounted={false} mt="lg">
      <Tabs.List>
        {tabs.map((each) => (
          <Tabs.Tab key={each} value={each}>
            {labels[each]}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value="overview" pt="lg">
        <ProjectOverview project={project} />
      </Tabs.Panel>
      <Tabs.Panel value="tasks">
        <Message icon={<IconChecklist size={22} stroke={1.6} />} title="No tasks yet">
          Here you will give OpenCode work to do in this project and follow how it gets on.
        </Message>
      </Tabs.Panel>
      <Tabs.Panel value="files">
        <Message icon={<IconFolder size={22} stroke={1.6} />} title="No files to show yet">
          Here you will browse, read and edit the files on the volume of this project.
        </Message>
      </Tabs.Panel>
      <Tabs.Panel value="config">
        <Message icon={<IconAdjustments size={22} stroke={1.6} />} title="Nothing to configure yet">
          Here you will set how OpenCode works in this project: models, tools and permissions.
        </Message>
      </Tabs.Panel>
    </Tabs>
  );
}

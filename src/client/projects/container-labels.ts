/** The texts of a container: its purpose and its state. */

import type { ContainerSummary } from '../../shared/contract/project.ts';
import type { BadgeTone } from './badge.ts';

/** The purposes of our own containers. Containers that a cluster injects have none. */
const purposes: Readonly<Record<string, string>> = {
  'opencode-server': 'OpenCode · port 3000',
  'file-browser': 'Files · port 3001',
  'session-proxy': 'Sessions · port 3002',
};

export function containerPurpose(name: string): string | null {
  return Object.hasOwn(purposes, name) ? (purposes[name] ?? null) : null;
}

/** Waiting reasons of Kubernetes that occur in every start. */
const startReasons = new Set(['ContainerCreating', 'PodInitializing']);

export function containerState(container: ContainerSummary): { label: string; tone: BadgeTone } {
  switch (container.state) {
    case 'running':
      return container.ready ? { label: 'Ready', tone: 'ok' } : { label: 'Running, not ready yet', tone: 'wait' };
    case 'waiting':
      return container.reason === null || startReasons.has(container.reason)
        ? { label: 'Waiting to start', tone: 'wait' }
        : { label: `Waiting: ${container.reason}`, tone: 'bad' };
    case 'terminated':
      return container.reason === null || container.reason === 'Completed'
        ? { label: 'Ended', tone: 'idle' }
        : { label: `Ended: ${container.reason}`, tone: 'bad' };
  }
}

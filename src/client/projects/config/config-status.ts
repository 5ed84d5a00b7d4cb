/** What the status line of a configuration says. Pure. */

import type { Config } from '../../../shared/contract/config.ts';

interface Status {
  title: string;
  message: string;
  tone: 'ok' | 'wait' | 'bad' | 'idle';
  canApply: boolean;
}

export function statusOf({ version, inUse, applyVersion }: Pick<Config, 'version' | 'inUse' | 'applyVersion'>): Status {
  const saved = version === 0 ? 'No configuration is saved yet' : `Version ${version} is saved`;
  if (inUse.state === 'not-running') {
    const message = `The project does not run. It starts with ${version === 0 ? 'the defaults of OpenCode' : `version ${version}`}.`;
    return { title: saved, message, tone: 'idle', canApply: false };
  }
  if (inUse.state === 'unknown') return { title: saved, message: inUse.message, tone: 'idle', canApply: false };
  if (inUse.problem !== null) {
    const message = `OpenCode says: ${inUse.problem === '' ? 'unknown error' : inUse.problem}. You can fix this: correct it, then restart the project.`;
    return { title: 'OpenCode refuses its configuration', message, tone: 'bad', canApply: false };
  }
  if (applyVersion !== null) {
    const message = 'OpenCode reads it in a few seconds. If the pod does not answer now, it is repeated.';
    return { title: `Version ${applyVersion} is being applied`, message, tone: 'wait', canApply: false };
  }
  if (version === 0)
    return { title: saved, message: 'The project runs with the defaults of OpenCode.', tone: 'idle', canApply: false };
  if (inUse.isChanged) {
    const message = `A program in the project has changed the file of version ${inUse.version}. The next start, or “Apply now”, writes version ${version} again.`;
    return { title: 'The configuration was changed in the project', message, tone: 'wait', canApply: true };
  }
  if (inUse.version === version && inUse.isRead) {
    return {
      title: `Version ${version} is in use`,
      message: 'The project runs with what is saved here.',
      tone: 'ok',
      canApply: false,
    };
  }
  const used = inUse.version === 0 ? 'the defaults of OpenCode' : `version ${inUse.version}`;
  const message = `The project still uses ${used}. It uses version ${version} from its next start, or when you apply it now.`;
  return { title: saved, message, tone: 'wait', canApply: true };
}

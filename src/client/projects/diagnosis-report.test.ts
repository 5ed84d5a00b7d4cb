import { expect, it } from 'vitest';

import { testProject } from '../api/test-projects.ts';
import { diagnosisReport } from './diagnosis-report.ts';

it('the diagnosis report names the project, its pod and the reason, and contains the evidence', () => {
  const text = diagnosisReport(
    testProject(1, {
      status: 'error',
      reason: 'image-not-found',
      message: 'The image was not found.',
      nextStep: 'An administrator must correct its name.',
      evidence: [
        {
          source: 'event',
          subject: 'opencode-server',
          reason: 'Failed',
          text: 'rpc error: not found',
          at: '2026-01-01T10:00:00.000Z',
          count: 3,
        },
      ],
      containers: [
        {
          name: 'opencode-server',
          ready: false,
          state: 'waiting',
          reason: 'ImagePullBackOff',
          restarts: 2,
          lastExit: null,
        },
      ],
    }),
  );
  expect(text).toContain('Project: project 1 (00000000-0000-4000-8000-000000000001)');
  expect(text).toContain('Pod: project-00000000-0000-4000-8000-000000000001-abcde in namespace opencode');
  expect(text).toContain('Reason: image-not-found');
  expect(text).toContain('Next: An administrator must correct its name.');
  expect(text).toContain('Container opencode-server: waiting, ImagePullBackOff, 2 restarts');
  expect(text).toContain('- event opencode-server, Failed, 3 times, 2026-01-01T10:00:00.000Z: rpc error: not found');
});

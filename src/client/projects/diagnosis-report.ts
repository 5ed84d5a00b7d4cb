/** A report about a project as plain text. Users copy it to ask somebody else for help. */

import type { Project } from '../../shared/contract/project.ts';

export function diagnosisReport(project: Project): string {
  const { evidence, containers } = project;
  const facts: [string, string | null][] = [
    ['Project', `${project.name} (${project.id})`],
    ['Pod', `${project.podName} in namespace ${project.namespace}`],
    ['Volume claim', project.workspacePvcName],
    ['Status', `${project.status}, phase ${project.phase ?? 'none'}`],
    ['Reason', `${project.reason ?? 'none'}${project.reasonSince === null ? '' : ` since ${project.reasonSince}`}`],
    ['What', project.message],
    ['Next', project.nextStep],
    ['Last failed attempt', project.podError],
  ];
  const lines = facts.flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}`]));
  for (const { name, state, reason, restarts, lastExit } of containers) {
    lines.push(
      `Container ${name}: ${[state, reason, `${restarts} restarts`, lastExit && `last time it ${lastExit}`].filter(Boolean).join(', ')}`,
    );
  }
  if (evidence.length > 0) lines.push('', 'What Kubernetes says:');
  for (const { source, subject, reason, text, at, count } of evidence) {
    const about = [`${source} ${subject}`, reason, count === null ? null : `${count} times`, at].filter(Boolean);
    lines.push(`- ${about.join(', ')}: ${text}`);
  }
  return `${lines.join('\n')}\n`;
}

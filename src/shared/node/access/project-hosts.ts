/** The origin of each project: `p-<project id>.<workspace domain>`. One origin per project keeps projects apart in the browser. */

const label = /^p-([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/;

/** Paths of the gateway itself on a project's origin. OpenCode uses none that begins so. */
export const gatewayPath = '/.opencode-gateway';

/**
 * The project that a Host header names.
 * @param domain such as `workspaces.example.com`, or `localhost`
 * @returns `null` when the host is not the origin of a project
 */
export function projectIdOfHost(host: string | undefined, domain: string): string | null {
  const name = (host ?? '').toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '');
  if (!name.endsWith(`.${domain}`)) return null;
  return label.exec(name.slice(0, -domain.length - 1))?.[1] ?? null;
}

/**
 * The origin of a project, without a slash at the end.
 * @param workspaceUrl scheme, domain and port of all projects, such as `http://localhost:3080`
 */
export function projectOrigin(projectId: string, workspaceUrl: string): string {
  const url = new URL(workspaceUrl);
  return `${url.protocol}//p-${projectId}.${url.host}`;
}

/** The address that lets a browser with this ticket into the project. */
export function entryUrl(
  projectId: string,
  { workspaceUrl, ticket }: { workspaceUrl: string; ticket: string },
): string {
  return `${projectOrigin(projectId, workspaceUrl)}${gatewayPath}/enter?ticket=${ticket}`;
}

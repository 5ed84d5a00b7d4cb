/** Reads the schema of OpenCode's configuration from a running OpenCode: its part of the description of the API. */

interface Description {
  components: { schemas: Record<string, unknown> };
}

const prefix = '#/components/schemas/';

/** `Config` and everything that it refers to, by name. */
export async function readOpenCodeSchema(url: string, authorization: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}/doc`, { headers: { authorization } });
  const { components } = (await response.json()) as Description;
  const found: Record<string, unknown> = {};
  const follow = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, child] of Object.entries(value)) {
      if (key === '$ref' && typeof child === 'string') add(child.slice(prefix.length));
      else follow(child);
    }
  };
  const add = (name: string): void => {
    if (name in found) return;
    found[name] = components.schemas[name];
    follow(found[name]);
  };
  add('Config');
  return found;
}

import { describe, expect, it } from 'vitest';

import { projectDescriptionSchema, projectNameSchema, repoUrlSchema } from './fields.ts';

const problemOf = (
  schema: { safeParse(input: unknown): { error?: { issues: { message: string }[] } | undefined } },
  input: unknown,
) => schema.safeParse(input).error?.issues[0]?.message ?? null;

describe('projectNameSchema', () => {
  it.each(['a', '7', 'My project-1_b', 'x'.repeat(100), '  trimmed  '])('accepts the project name %j', (name) => {
    expect(problemOf(projectNameSchema, name)).toBeNull();
  });

  it.each(['', '   ', '-a', '_a', 'a/b', 'a\nb', 'ä', 'а', 'a\u0000', 'x'.repeat(101), '<b>', 5, null, {}])(
    'rejects the project name %j',
    (name) => {
      expect(problemOf(projectNameSchema, name)).toMatch(/\.$/);
    },
  );

  it('removes spaces around a project name', () => {
    expect(projectNameSchema.parse('  Alpha 1 ')).toBe('Alpha 1');
  });
});

describe('projectDescriptionSchema', () => {
  it('accepts several lines, any script and 2,000 characters, but no control characters or unpaired surrogates', () => {
    expect(problemOf(projectDescriptionSchema, 'Zeile 1\n\tZeile 2 – 漢字 🎉')).toBeNull();
    expect(problemOf(projectDescriptionSchema, 'x'.repeat(2_000))).toBeNull();
    expect(problemOf(projectDescriptionSchema, 'x'.repeat(2_001))).toMatch(/2,000/);
    for (const bad of ['a\u0000b', 'a\u001bb', 'a\ud800b'])
      expect(problemOf(projectDescriptionSchema, bad)).toMatch(/control/);
  });
});

describe('repoUrlSchema', () => {
  it.each([
    'https://example.org/team/repo.git',
    'http://localhost:8080/repo',
    'ssh://git@example.org/team/repo.git',
    'ssh://example.org:2222/repo',
    'git@example.org:team/repo.git',
    'git@example.org:repo',
    'gitea@example.org:team/repo.git',
    'org-12345@github.com:org/repo.git',
    'deploy_user.2@example.org:~/repo',
    'git@[2001:db8::1]:team/repo.git',
    'ssh://AKIAEXAMPLE@git.example.org/v1/repos/app',
    'https://example.org/team/token-service.git',
    'https://example.org/_git/repo?version=GBmain',
    'HTTPS://EXAMPLE.org/a',
  ])('accepts the repository URL %j', (url) => {
    expect(problemOf(repoUrlSchema, url)).toBeNull();
  });

  it.each([
    '',
    'example.org/repo',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'https://',
    'https:///path',
    'git@example.org',
    'git@-option:repo',
    'git@example.org://x',
    'git@host:a b',
    'ssh://',
    'https://example.org/a b',
    'https://example.org/"><script>',
    'https://example.org/\\..',
    'ssh://-oProxyCommand=id/path',
    'ssh://-oProxyCommand=id@example.org/path',
    'https://example.org/\u202Egnp.exe',
    'https://exam\u200bple.org/a',
    `https://example.org/${'x'.repeat(2_048)}`,
  ])('rejects the repository URL %j', (url) => {
    expect(problemOf(repoUrlSchema, url)).toMatch(/\.$/);
  });

  it.each([
    'https://user:secret@example.org/a',
    'https://token@example.org/a',
    'ssh://git:secret@example.org/a',
    'ssh://git%3Asecret@example.org/a',
    'user:secret@example.org:a',
    'https://example.org/a.git?private_token=glpat-x',
    'https://example.org/a?x=1&access_token=x',
    'https://example.org/a?PASSWORD=x',
    'https://example.org/a?api-key=x',
    'https://example.org/a?X-Amz-Signature=x',
    'https://example.org/a?private%5Ftoken=x',
    'ssh://git@example.org/a?client_secret=x',
    'https://example.org/a#access_token=x',
    'git@example.org:a?private_token=x',
  ])('rejects a repository URL with credentials: %j', (url) => {
    expect(problemOf(repoUrlSchema, url)).toMatch(/credentials are never stored/);
  });

  it.each(['-oProxyCommand=id@example.org:a', 'ssh://%2DoProxyCommand=id@example.org/a', 'a b@example.org:c'])(
    'rejects a user name that another program would read as an option: %j',
    (url) => {
      expect(problemOf(repoUrlSchema, url)).toMatch(/\.$/);
    },
  );
});

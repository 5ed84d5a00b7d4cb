/** The form for the common parts of a configuration. Each field changes the JSON text, and leaves everything else in it alone. */

import { Switch, Textarea, TextInput } from '@mantine/core';

import { linesOf, listAt, textAt, valueAt, withValue } from './config-document.ts';
import { McpServers } from './McpServers.tsx';
import { Permissions } from './Permissions.tsx';
import { Section } from './Section.tsx';
import type { ConfigDraft } from './use-config-draft.ts';

import classes from './config.module.css';

/** The tools of OpenCode that people switch off. */
const tools = {
  bash: 'Commands',
  edit: 'Changing files',
  write: 'Writing new files',
  webfetch: 'Reading web pages',
  todowrite: 'Lists of steps',
  task: 'Agents that start other agents',
} as const;

export interface FormPartProps {
  document: Record<string, unknown>;
  onChange: (document: string) => void;
}

export function ConfigForm({ draft }: { draft: ConfigDraft }) {
  const document = draft.checked.value ?? {};
  const change = (text: string): void => draft.change({ document: text });
  const set = (path: string[], value: unknown): void => change(withValue(document, path, value));
  const errorAt = (path: string): string | null =>
    [...draft.checked.errors, ...draft.checked.warnings].find((problem) => problem.path === path)?.message ?? null;
  const modelField = (key: string, label: string, description: string) => (
    <TextInput
      label={label}
      description={description}
      placeholder="provider/model"
      value={textAt(document, key)}
      error={errorAt(key)}
      spellCheck={false}
      onChange={(event) => set([key], event.currentTarget.value.trim() || undefined)}
    />
  );
  return (
    <div className={classes.form}>
      <Section title="Models" text="Which models the agents use, unless a person chooses another one in OpenCode.">
        {modelField('model', 'Model', 'For the work itself.')}
        {modelField('small_model', 'Small model', 'For titles and summaries. A cheap and fast one is enough.')}
      </Section>
      <Section title="Permissions" text="What agents may do by themselves, and for what they ask you first.">
        <Permissions document={document} onChange={change} />
      </Section>
      <Section title="Instructions" text="What every agent reads before it begins.">
        <Textarea
          label="Rules"
          description="Plain text or Markdown: conventions, commands to use, what to leave alone."
          autosize
          minRows={4}
          maxRows={20}
          value={draft.rules}
          onChange={(event) => draft.change({ rules: event.currentTarget.value })}
        />
        <Textarea
          label="Files to read"
          description="One path, pattern or address a line, such as docs/*.md. AGENTS.md is always read."
          autosize
          minRows={2}
          maxRows={8}
          spellCheck={false}
          defaultValue={listAt(document, 'instructions').join('\n')}
          key={listAt(document, 'instructions').join('\n')}
          onBlur={(event) => {
            const lines = linesOf(event.currentTarget.value);
            if (lines.join('\n') === listAt(document, 'instructions').join('\n')) return;
            set(['instructions'], lines.length === 0 ? undefined : lines);
          }}
        />
      </Section>
      <Section title="MCP servers" text="Programs and services whose tools the agents can use.">
        <McpServers document={document} onChange={change} />
      </Section>
      <Section title="Tools" text="A tool that is off is not offered to any agent.">
        {Object.entries(tools).map(([tool, label]) => (
          <Switch
            key={tool}
            label={label}
            checked={valueAt(document, ['tools', tool]) !== false}
            onChange={(event) => set(['tools', tool], event.currentTarget.checked ? undefined : false)}
          />
        ))}
      </Section>
    </div>
  );
}

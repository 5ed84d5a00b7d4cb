/** What agents may do: an action for each kind, and patterns for commands. */

import { ActionIcon, Button, NativeSelect, TextInput } from '@mantine/core';
import { IconPlus, IconX } from '@tabler/icons-react';
import { useState } from 'react';

import {
  patternsOf,
  permissionActions,
  permissionKinds,
  permissionOf,
  withPermission,
  type PatternRule,
  type PermissionAction,
  type PermissionKind,
} from './config-document.ts';
import type { FormPartProps } from './ConfigForm.tsx';

import classes from './config.module.css';

const actionLabels = { allow: 'Allow', ask: 'Ask first', deny: 'Deny' } satisfies Record<PermissionAction, string>;
const actionChoices = permissionActions.map((value) => ({ value, label: actionLabels[value] }));
const kinds = Object.keys(permissionKinds) as PermissionKind[]; // the keys of a constant

export function Permissions({ document, onChange }: FormPartProps) {
  const setAction = (kind: PermissionKind, text: string): void => {
    const action = permissionActions.find((each) => each === text) ?? null;
    onChange(withPermission(document, kind, { action, patterns: patternsOf(document, kind) }));
  };
  const patterns = patternsOf(document, 'bash');
  const setPatterns = (changed: PatternRule[]): void =>
    onChange(withPermission(document, 'bash', { action: permissionOf(document, 'bash'), patterns: changed }));
  return (
    <>
      {kinds.map((kind) => (
        <NativeSelect
          key={kind}
          className={classes.narrow}
          label={permissionKinds[kind]}
          value={permissionOf(document, kind) ?? ''}
          onChange={(event) => setAction(kind, event.currentTarget.value)}
          data={[{ value: '', label: 'Default of OpenCode' }, ...actionChoices]}
        />
      ))}
      <fieldset className={classes.patterns}>
        <legend>Commands with rules of their own</legend>
        <p className={classes.dimmed}>The last line that fits a command decides. * stands for any text.</p>
        {patterns.map((rule, index) => (
          <div key={rule.pattern} className={classes.row}>
            <code className={classes.pattern}>{rule.pattern}</code>
            <NativeSelect
              aria-label={`Permission for ${rule.pattern}`}
              value={rule.action}
              onChange={(event) => {
                const action = permissionActions.find((each) => each === event.currentTarget.value) ?? 'ask';
                setPatterns(patterns.map((each, at) => (at === index ? { ...each, action } : each)));
              }}
              data={actionChoices}
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={`Remove the rule for ${rule.pattern}`}
              onClick={() => setPatterns(patterns.filter((_rule, at) => at !== index))}
            >
              <IconX size={15} stroke={1.8} />
            </ActionIcon>
          </div>
        ))}
        <NewPattern
          onAdd={(pattern) =>
            setPatterns([...patterns.filter((rule) => rule.pattern !== pattern), { pattern, action: 'allow' }])
          }
        />
      </fieldset>
    </>
  );
}

function NewPattern({ onAdd }: { onAdd: (pattern: string) => void }) {
  const [text, setText] = useState('');
  const add = (): void => {
    if (text.trim() === '') return;
    onAdd(text.trim());
    setText('');
  };
  return (
    <div className={classes.row}>
      <TextInput
        className={classes.grow}
        aria-label="Command pattern"
        placeholder="git status *"
        spellCheck={false}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter') return;
          event.preventDefault();
          add();
        }}
      />
      <Button size="sm" variant="default" leftSection={<IconPlus size={14} stroke={1.8} />} onClick={add}>
        Add
      </Button>
    </div>
  );
}

/** The MCP servers of a configuration: switched on and off, added and removed. Headers and variables are set in the JSON view. */

import { ActionIcon, Button, NativeSelect, Switch, TextInput } from '@mantine/core';
import { IconPlus, IconX } from '@tabler/icons-react';
import { useState } from 'react';

import { serversOf, splitCommand, withValue } from './config-document.ts';
import type { FormPartProps } from './ConfigForm.tsx';

import classes from './config.module.css';

export function McpServers({ document, onChange }: FormPartProps) {
  const servers = serversOf(document);
  return (
    <>
      {servers.length === 0 && <p className={classes.dimmed}>There is none.</p>}
      {servers.map(({ name, isEnabled, kind, target }) => (
        <div key={name} className={classes.row}>
          <Switch
            aria-label={`Use ${name}`}
            checked={isEnabled}
            onChange={(event) => onChange(withValue(document, ['mcp', name, 'enabled'], event.currentTarget.checked))}
          />
          <span className={classes.server}>
            <strong>{name}</strong>
            <code title={target}>{kind === null ? 'Set in the JSON view' : target}</code>
          </span>
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`Remove the MCP server ${name}`}
            onClick={() => onChange(withValue(document, ['mcp', name], undefined))}
          >
            <IconX size={15} stroke={1.8} />
          </ActionIcon>
        </div>
      ))}
      <NewServer
        taken={servers.map(({ name }) => name)}
        onAdd={(name, server) => onChange(withValue(document, ['mcp', name], server))}
      />
    </>
  );
}

function NewServer({ taken, onAdd }: { taken: string[]; onAdd: (name: string, server: object) => void }) {
  const [isOpen, setIsOpen] = useState(false);
  const [name, setName] = useState('');
  const [kind, setKind] = useState<'local' | 'remote'>('local');
  const [target, setTarget] = useState('');
  if (!isOpen) {
    return (
      <Button
        className={classes.start}
        size="sm"
        variant="default"
        leftSection={<IconPlus size={14} stroke={1.8} />}
        onClick={() => setIsOpen(true)}
      >
        Add a server
      </Button>
    );
  }
  const isTaken = taken.includes(name.trim());
  const isComplete = /^[\w.-]+$/.test(name.trim()) && !isTaken && isTarget(kind, target);
  const add = (): void => {
    if (!isComplete) return;
    const server =
      kind === 'local' ? { type: kind, command: splitCommand(target) } : { type: kind, url: target.trim() };
    onAdd(name.trim(), { ...server, enabled: true });
    setIsOpen(false);
    setName('');
    setTarget('');
  };
  return (
    <fieldset className={classes.patterns}>
      <legend>New MCP server</legend>
      <TextInput
        label="Name"
        placeholder="docs"
        value={name}
        error={isTaken ? 'There is a server with this name.' : null}
        data-autofocus
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <NativeSelect
        label="Kind"
        value={kind}
        onChange={(event) => setKind(event.currentTarget.value === 'remote' ? 'remote' : 'local')}
        data={[
          { value: 'local', label: 'A command in the project' },
          { value: 'remote', label: 'An address' },
        ]}
      />
      <TextInput
        label={kind === 'local' ? 'Command' : 'Address'}
        placeholder={kind === 'local' ? 'npx -y @example/mcp-server' : 'https://mcp.example.com'}
        spellCheck={false}
        value={target}
        onChange={(event) => setTarget(event.currentTarget.value)}
      />
      <div className={classes.row}>
        <Button size="sm" disabled={!isComplete} onClick={add}>
          Add
        </Button>
        <Button size="sm" variant="default" onClick={() => setIsOpen(false)}>
          Cancel
        </Button>
      </div>
    </fieldset>
  );
}

function isTarget(kind: 'local' | 'remote', target: string): boolean {
  return kind === 'local' ? splitCommand(target).length > 0 : /^https?:\/\/[^/\s]/.test(target.trim());
}

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Defines `report` for the code, and ends the process with the test. */
const prelude = `
  const report = (text) => console.log('reported:' + text);
  process.stdin.on('end', () => process.exit()).resume();
`;

/** Runs the code of a module in another Node process, and waits until it has called `report(text)`. Then `killHard` ends it. */
export async function runInAnotherProcess(code: string): Promise<{ reported: string; killHard(): Promise<void> }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', `${prelude}${code}`], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const reported = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('reported:')) resolve(line.slice('reported:'.length));
    });
    child.once('exit', () => reject(new Error(`The other process ended too early. ${errors}`)));
  });
  return {
    reported,
    killHard() {
      child.kill('SIGKILL');
      return ended;
    },
  };
}

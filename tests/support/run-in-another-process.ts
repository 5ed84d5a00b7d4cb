import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** What the code finds ready to use. It also ends with the test that started it, should that one fail before its end. */
const prelude = `
  const print = (text) => console.log('output:' + text);
  process.stdin.on('end', () => process.exit()).resume();
`;

/**
 * Runs the code of a module in a Node process of its own, and waits until it has called `print(text)`. The process then goes
 * on until it is killed, with the one signal that it cannot notice.
 */
export async function runInAnotherProcess(code: string): Promise<{ output: string; killHard(): Promise<void> }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', `${prelude}${code}`], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const output = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('output:')) resolve(line.slice('output:'.length));
    });
    child.once('exit', () => reject(new Error(`The other process ended too early. ${errors}`)));
  });
  return {
    output,
    killHard() {
      child.kill('SIGKILL');
      return ended;
    },
  };
}

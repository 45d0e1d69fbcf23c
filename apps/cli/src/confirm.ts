import { type Readable, type Writable } from 'node:stream';
import { createInterface } from 'node:readline/promises';

/** Whether somebody says yes. No answer is no. */
export async function confirm(question: string, input: Readable, output: Writable): Promise<boolean> {
  const lines = createInterface({ input, output });
  const ended = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  try {
    return /^y(es)?$/i.test((await Promise.race([lines.question(question), ended])).trim());
  } finally {
    lines.close();
  }
}

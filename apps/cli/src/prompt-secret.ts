import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { type ReadStream } from 'node:tty';

/** Asks a person and shows nothing of what is typed. Null: they left with Ctrl-C or Ctrl-D. */
export function promptSecret(
  question: string,
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Promise<string | null> {
  // In terminal mode readline takes over the echo of what is typed, and puts it here.
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
  output.write(question);
  const lines = createInterface({ input, output: unseen, terminal: true, historySize: 0 });
  return new Promise((resolve) => {
    let answer: string | null = null;
    lines.on('line', (line) => {
      answer = line;
      lines.close();
    });
    lines.on('SIGINT', () => lines.close());
    lines.on('close', () => {
      output.write('\n');
      resolve(answer);
    });
  });
}

/** All of standard input, without the line break that `echo` and editors put at its end. */
export async function readAll(input: ReadStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of input) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
}

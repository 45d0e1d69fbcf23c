import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { promptSecret } from './prompt-secret.js';

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';

async function typed(keys: string): Promise<{ answer: string | null; seen: string }> {
  const input = new PassThrough();
  const output = new PassThrough();
  const answer = promptSecret('Secret: ', input, output);
  input.write(keys);
  return { answer: await answer, seen: String(output.read()) };
}

describe('promptSecret', () => {
  it('takes a line and shows nothing of it', async () => {
    expect(await typed('correct horse\r')).toEqual({ answer: 'correct horse', seen: 'Secret: \n' });
  });

  it('lets what was mistyped be taken back', async () => {
    expect(await typed('horsd\u007fe\r')).toEqual({ answer: 'horse', seen: 'Secret: \n' });
  });

  it.each([CTRL_C, CTRL_D])('gives no answer when the person leaves (%j)', async (key) => {
    expect(await typed(key)).toEqual({ answer: null, seen: 'Secret: \n' });
  });
});

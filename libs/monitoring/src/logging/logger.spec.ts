import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { openLog } from './logger.js';

it('tells of an error what it is, and nothing of what a database was to store', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'aegis-log-'));
  const file = join(dir, 'log');
  const log = await openLog({ level: 'info', format: 'json', file, rotate: { size: 1_000_000, keep: 1 } });
  const row = { parameters: ['s3cret'], detail: 'Failing row contains (s3cret)', driverError: { where: 's3cret' } };
  const failed = Object.assign(new TypeError('it failed'), row, { code: '22021' });
  log.logger.error({ err: failed, requestId: 'r' }, 'a request failed');
  log.logger.error({ err: 'just text' }, 'another');
  log.flush();
  const text = readFileSync(file, 'utf8');
  rmSync(dir, { recursive: true });
  const [first, second] = text
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  const stack: unknown = expect.stringContaining('logger.spec');
  expect(first).toMatchObject({
    requestId: 'r',
    err: { type: 'TypeError', message: 'it failed', code: '22021', stack },
  });
  expect(second).toMatchObject({ err: 'just text' });
  expect(text).not.toContain('s3cret');
});

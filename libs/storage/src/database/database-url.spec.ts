import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { scratchFolder } from '#testing';
import { readDatabaseUrl } from './database-url.js';

describe('a database URL', () => {
  it('is shown without its password', () => {
    const address = readDatabaseUrl('postgres://ann:s%40cret@db.example:6432/app', null);
    expect(address).toMatchObject({ shown: 'db.example:6432', user: 'ann', database: 'app', ssl: false });
    expect(address.shown).not.toContain('cret');
  });

  it('may name the folder of a socket', () => {
    const { shown, url } = readDatabaseUrl('postgresql://ann@localhost/app?host=%2Frun%2Fmy%20pg', null);
    expect(shown).toBe('/run/my pg (socket)');
    expect(url).toContain('host=%2Frun%2Fmy+pg');
  });

  it('of another kind, or none, is refused without being repeated', () => {
    for (const text of ['mysql://root:secret@db/app', 'secret', 'postgres//x:secret@y', '']) {
      expect(() => readDatabaseUrl(text, null)).toThrow(/not a PostgreSQL URL: write postgres:\/\//);
      expect(() => readDatabaseUrl(text, null)).not.toThrow(/secret/);
    }
  });

  it('switches TLS on as sslmode says, and keeps that from the driver', () => {
    const ssl = (mode: string): unknown => {
      const address = readDatabaseUrl(`postgres://a@db/app?sslmode=${mode}&application_name=x`, null);
      expect(address.url).toBe('postgres://a@db/app?application_name=x');
      return address.ssl;
    };
    expect(ssl('disable')).toBe(false);
    expect(ssl('require')).toMatchObject({ rejectUnauthorized: true });
    expect(ssl('verify-full')).toMatchObject({ rejectUnauthorized: true });
    expect(ssl('verify-ca')).toMatchObject({
      rejectUnauthorized: true,
      checkServerIdentity: expect.any(Function) as unknown,
    });
    expect(ssl('no-verify')).toMatchObject({ rejectUnauthorized: false });
    expect(() => ssl('prefer')).toThrow(/sslmode=prefer in database.url is not supported: say disable, require/);
  });

  it('uses TLS when anything is said about it in the configuration', () => {
    const ca = join(scratchFolder('tls'), 'ca.crt');
    writeFileSync(ca, 'PEM');
    expect(readDatabaseUrl('postgres://a@db/app', { ca }).ssl).toEqual({ ca: 'PEM', rejectUnauthorized: true });
    expect(readDatabaseUrl('postgres://a@db/app', { verify: false }).ssl).toEqual({ rejectUnauthorized: false });
    expect(readDatabaseUrl('postgres://a@db/app', { serverName: 'pg' }).ssl).toMatchObject({ servername: 'pg' });
    expect(() => readDatabaseUrl('postgres://a@db/app', { ca: `${ca}.gone` })).toThrow(/ca\.crt\.gone cannot be read/);
  });
});

import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { freePort, scratchFolder, startPostgres, StoppablePostgres, type TestDatabase } from '#testing';
import { dataSourceOptions } from './database/data-source.js';
import { readDatabaseUrl } from './database/database-url.js';
import { migrate } from './database/migrate.js';
import { MIGRATIONS } from './migrations/index.js';
import { type StorageLog } from './storage-error.js';
import { type DatabaseOptions, Storage } from './storage.js';

const said: string[] = [];
const note = (message: string): void => void said.push(message);
const log: StorageLog = { debug: note, info: note, warn: note, error: note };

let database: TestDatabase;

beforeAll(async () => {
  database = await (await startPostgres()).createDatabase();
});

afterEach(() => {
  said.length = 0;
});

afterAll(async () => {
  await database.drop();
});

async function connected({ url }: TestDatabase): Promise<DataSource> {
  return await new DataSource(dataSourceOptions(readDatabaseUrl(url, null), 2, log)).initialize();
}

describe('migrations', () => {
  it('run once when ten instances start at the same time on an empty database', async () => {
    const empty = await (await startPostgres()).createDatabase();
    const instances = await Promise.all(Array.from({ length: 10 }, async () => await connected(empty)));
    const done = await Promise.all(instances.map(async (each) => await migrate(each, log)));
    expect(done.filter((names) => names.length > 0)).toEqual([MIGRATIONS.map(({ name }) => name)]);
    const [first] = instances;
    expect(await first?.query('SELECT name FROM schema_migrations ORDER BY id')).toHaveLength(MIGRATIONS.length);
    await Promise.all(instances.map(async (each) => await each.destroy()));
    await empty.drop();
  });

  it('can be undone', async () => {
    const empty = await (await startPostgres()).createDatabase();
    const source = await connected(empty);
    await migrate(source, log);
    for (const _ of MIGRATIONS) await source.undoLastMigration();
    const tables = await source.query<unknown[]>(
      `SELECT 1 FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'schema_migrations'`,
    );
    expect(tables).toEqual([]);
    await migrate(source, log);
    await source.destroy();
    await empty.drop();
  });

  it('make exactly the tables that the entities describe', async () => {
    const storage = await open({ url: database.url });
    const { upQueries } = await storage.dataSource.driver.createSchemaBuilder().log();
    expect(upQueries.map(({ query }) => query)).toEqual([]);
    await storage.close();
  });
});

describe('a database that is named but cannot be used stops the start with one line', () => {
  it('when nothing listens there', async () => {
    const port = await freePort();
    await expectRefusal(
      `postgres://u:secret@127.0.0.1:${port}/db`,
      `PostgreSQL at 127.0.0.1:${port} cannot be reached (ECONNREFUSED): start it`,
    );
  });

  it('when it has no such database', async () => {
    const url = new URL(database.url);
    url.pathname = '/nowhere';
    await expectRefusal(url.toString(), 'there is no database nowhere at ');
  });

  it('when the password is wrong', async () => {
    const url = new URL(database.url);
    url.password = 'secret';
    await expectRefusal(url.toString(), 'does not let the user aegis in');
  });

  it('when the user may not make tables', async () => {
    const poor = await (await startPostgres()).createDatabase();
    const source = await connected(poor);
    await source.query(`CREATE ROLE ${poor.name} LOGIN PASSWORD 'secret'`);
    await source.destroy();
    const url = new URL(poor.url);
    url.username = poor.name;
    url.password = 'secret';
    await expectRefusal(url.toString(), `may not create the tables of Aegis in the database ${poor.name}`);
    await poor.drop();
  });

  it('when it does not speak TLS but should', async () => {
    const url = new URL(database.url);
    url.searchParams.set('sslmode', 'require');
    await expectRefusal(url.toString(), 'does not speak TLS: leave out database.tls and sslmode');
  });

  it('when something else answers there', async () => {
    const server = await listen((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const { port } = server.address() as AddressInfo;
    await expectRefusal(
      `postgres://u:secret@127.0.0.1:${port}/db`,
      `PostgreSQL at 127.0.0.1:${port} cannot be reached`,
    );
    server.close();
  });
});

describe('while the database is away', () => {
  it('says so, answers quickly, and goes on when it is back', async () => {
    const server = await StoppablePostgres.start();
    const storage = await open({ url: server.url });
    expect(await storage.state()).toBe('connected');
    await server.stop();
    expect(await storage.state()).toBe('disconnected');
    await expect(storage.dataSource.query('SELECT 1')).rejects.toThrow();
    await server.startAgain();
    await until(async () => (await storage.state()) === 'connected');
    await storage.close();
    await server.stop();
  });

  it('one that hangs does not hold health up', async () => {
    const server = await StoppablePostgres.start();
    const storage = await open({ url: server.url });
    await server.pause();
    expect(await storage.state(50)).toBe('disconnected');
    expect(await storage.state(50)).toBe('disconnected');
    server.resume();
    await until(async () => (await storage.state()) === 'connected');
    await storage.close();
    await server.stop();
  });
});

describe('the embedded database', () => {
  it('is opened, migrated, shared with a command beside it, and stopped last', async () => {
    const dataDir = join(scratchFolder('storage'), 'postgres');
    const storage = await open({ url: null, dataDir });
    expect(storage.embedded).toBe(true);
    expect(await storage.state()).toBe('embedded');
    const beside = await Storage.openBeside(options({ url: null, dataDir }), log);
    expect(beside.embedded).toBe(true);
    expect(await beside.dataSource.query('SELECT count(*)::int AS n FROM consumers')).toEqual([{ n: 0 }]);
    await beside.close();
    await storage.close();
    const alone = await Storage.openBeside(options({ url: null, dataDir }), log);
    expect(alone.embedded).toBe(true);
    await alone.close();
  });
});

function options(some: Partial<DatabaseOptions>): DatabaseOptions {
  return { url: null, pool: 3, dataDir: '/nonexistent', tls: null, ...some };
}

async function open(some: Partial<DatabaseOptions>): Promise<Storage> {
  return await Storage.open(options(some), log);
}

async function expectRefusal(url: string, message: string): Promise<void> {
  const refused = await open({ url }).then(
    () => new Error('it was opened'),
    (error: unknown) => error as Error,
  );
  expect(refused.name).toBe('StorageError');
  expect(refused.message).toContain(message);
  expect(refused.message).not.toMatch(/secret|\n/);
}

async function listen(onConnection: (socket: Socket) => void): Promise<Server> {
  const server = createServer(onConnection).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}

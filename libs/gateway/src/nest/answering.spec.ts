import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CanActivate, type ExecutionContext } from '@nestjs/common';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { Exchange, Refusal } from '#kernel';
import { answering } from './answering.js';

const REFUSAL = new Refusal('forbidden', 'Neither this – nor that.', { 'X-Why': 'test' });

class AtOnce implements CanActivate {
  canActivate(): boolean {
    throw REFUSAL;
  }
}

class AfterAWhile implements CanActivate {
  async canActivate(): Promise<boolean> {
    await Promise.resolve();
    throw REFUSAL;
  }
}

/** Says no and leaves the reason. */
class WithoutAWord implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    context.getArgByIndex<Exchange>(0).refusal = REFUSAL;
    return false;
  }
}

class Wordless implements CanActivate {
  async canActivate(): Promise<boolean> {
    return await Promise.resolve(false);
  }
}

class Broken implements CanActivate {
  canActivate(): boolean {
    throw new TypeError('broken');
  }
}

class Never implements CanActivate {
  canActivate(): boolean {
    throw new Error('it was asked');
  }
}

let server: Server;
let url: string;
const asked: ((exchange: Exchange) => void)[] = [];

beforeAll(async () => {
  server = createServer((req: IncomingMessage, res: ServerResponse) => {
    asked.shift()?.(new Exchange(req, res, 0, { secure: false, port: 0 }, null));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});

afterAll(() => void server.close());

function contextOf(exchange: Exchange): ExecutionContext {
  return { getArgByIndex: () => exchange } as unknown as ExecutionContext;
}

describe('answering', () => {
  it.each([AtOnce, AfterAWhile, WithoutAWord])(
    'answers with what a guard refuses, %p, and lets no other speak',
    async (Guard) => {
      const served = new Promise<Exchange>((resolve) => asked.push(resolve));
      const answer = fetch(url);
      const exchange = await served;
      expect(await new (answering(Guard, 'step'))().canActivate(contextOf(exchange))).toBe(true);
      expect(exchange.answered).toBe(true);
      expect(new (answering(Never, 'step'))().canActivate(contextOf(exchange))).toBe(true);
      const { status, headers } = await answer;
      expect([status, headers.get('x-why'), headers.get('content-type')]).toEqual([
        403,
        'test',
        'application/problem+json',
      ]);
      expect(await (await answer).json()).toMatchObject({ code: 'forbidden', detail: REFUSAL.detail });
    },
  );

  it('counts an exchange whose client has left as answered too: nothing may be forwarded for it', async () => {
    const served = new Promise<Exchange>((resolve) => asked.push(resolve));
    const asking = get(url);
    asking.on('error', () => undefined);
    const exchange = await served;
    asking.destroy();
    await once(exchange.req.socket, 'close');
    expect(await new (answering(AfterAWhile, 'step'))().canActivate(contextOf(exchange))).toBe(true);
    expect(exchange.answered).toBe(true);
  });

  it('leaves what is no refusal to the filter, and a no without a reason to Nest', async () => {
    const served = new Promise<Exchange>((resolve) => asked.push(resolve));
    const answer = fetch(url);
    const exchange = await served;
    expect(await new (answering(Wordless, 'step'))().canActivate(contextOf(exchange))).toBe(false);
    expect(() => new (answering(Broken, 'step'))().canActivate(contextOf(exchange))).toThrow(TypeError);
    expect(exchange.answered).toBe(false);
    exchange.res.end();
    await (await answer).text();
  });
});

import { createHash, createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { exchangeOf, FakeClock } from '#testing';
import { StoredKeys } from '../keys/stored-keys.js';
import { MemoryReplays } from '../signatures/replays.js';
import { publicSigningKey, sharedSecret } from '../signatures/signing-key.js';
import { Stores } from '../stores.js';
import { HmacMethod } from './hmac.js';
import { Rejected } from './method.js';

const SECRET = randomBytes(32).toString('hex');
const SKEW = 300_000;
const ORDER_OF_P256 = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const principal = {
  consumer: 'app',
  id: 'app',
  roles: [],
  scopes: [],
  plan: null,
  credential: 'hmac:k',
  user: null,
  claims: {},
};

interface Signed {
  readonly covers?: string;
  readonly parameters?: string;
  readonly headers?: Record<string, string>;
  readonly lines?: readonly string[];
  readonly secret?: string;
}

class Stage {
  readonly clock = new FakeClock();
  readonly stores: Stores;
  private readonly method: HmacMethod;

  constructor(headers: readonly string[] = ['date', '(request-target)', 'digest'], key = sharedSecret(SECRET)) {
    const signers = new Map([['k', { key, principal }]]);
    this.method = new HmacMethod({ clockSkew: SKEW, headers }, signers, this.clock);
    const keys = new StoredKeys(() => Promise.resolve({ epoch: '', keys: [] }), this.clock);
    this.stores = new Stores(keys, new MemoryReplays(this.clock));
  }

  get now(): number {
    return this.clock.now() / 1000;
  }

  exchange({ covers = '"@method" "@target-uri"', parameters, headers = {}, lines = [], secret = SECRET }: Signed) {
    const tail = `(${covers});${parameters ?? `created=${this.now};keyid="k"`}`;
    const base = ['"@method": GET', '"@target-uri": http://h/', ...lines].filter((line) =>
      covers.includes(line.slice(0, line.indexOf(':'))),
    );
    const bytes = createHmac('sha256', secret)
      .update([...base, `"@signature-params": ${tail}`].join('\n'))
      .digest('base64');
    const all = { ...headers, 'signature-input': `sig=${tail}`, signature: `sig=:${bytes}:` };
    const exchange = exchangeOf({ method: 'GET', headers: all });
    Object.assign(exchange.req, { url: '/', rawHeaders: Object.entries(all).flat() });
    exchange.host = 'h';
    return exchange;
  }

  /** Whose it is, or why not. */
  async ask(exchange: ReturnType<Stage['exchange']>): Promise<string> {
    const credential = this.method.credentialIn(exchange);
    if (credential === null) return 'none';
    const outcome = await this.method.verify(credential, this.stores);
    return outcome instanceof Rejected ? outcome.reason : outcome.consumer;
  }

  async sign(signed: Signed = {}): Promise<string> {
    return await this.ask(this.exchange(signed));
  }
}

describe('a signed request', () => {
  it('is known by its key, once', async () => {
    const stage = new Stage();
    const exchange = stage.exchange({});
    expect([await stage.ask(exchange), await stage.ask(exchange)]).toEqual([
      'app',
      expect.stringContaining('used before'),
    ]);
  });

  it('is used once also when it is written in another way that holds as well', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string;
    const stage = new Stage([], publicSigningKey(pem)!);
    const tail = `("@method");created=${stage.now};keyid="k"`;
    const base = Buffer.from(`"@method": GET\n"@signature-params": ${tail}`);
    const made = sign('sha256', base, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    const ask = async (bytes: Buffer): Promise<string> => {
      const headers = { 'signature-input': `sig=${tail}`, signature: `sig=:${bytes.toString('base64')}:` };
      return await stage.ask(exchangeOf({ method: 'GET', headers }));
    };
    const [r, s] = [made.subarray(0, 32), made.subarray(32)];
    const other = ORDER_OF_P256 - BigInt(`0x${s.toString('hex')}`);
    const mirrored = Buffer.concat([r, Buffer.from(other.toString(16).padStart(64, '0'), 'hex')]);
    const zero = Buffer.alloc(1);
    expect(publicSigningKey(pem)?.signed(base, mirrored)).toBe(true);
    expect(await ask(made)).toBe('app');
    expect(await ask(mirrored)).toContain('used before');
    expect(await ask(Buffer.concat([zero, r, zero, s]))).toContain('does not hold');
  });

  it('is known by its nonce, whatever else is signed with it', async () => {
    const stage = new Stage();
    const nonce = (created: number): Signed => ({ parameters: `created=${created};keyid="k";nonce="n"` });
    expect(await stage.sign(nonce(stage.now))).toBe('app');
    expect(await stage.sign(nonce(stage.now - 1))).toContain('used before');
  });

  it('cannot come again as long as it is fresh', async () => {
    const stage = new Stage();
    const ahead = stage.exchange({ parameters: `created=${stage.now + SKEW / 1000};keyid="k"` });
    expect(await stage.ask(ahead)).toBe('app');
    for (let i = 0; i < 20; i++) {
      stage.clock.advance(SKEW / 10);
      expect(await stage.ask(ahead)).toMatch(/used before|too old/);
    }
  });

  it.each([
    ['as old as it may be', -SKEW / 1000 + 1, 'app'],
    ['too old', -SKEW / 1000, 'too old'],
    ['as far ahead as it may be', SKEW / 1000, 'app'],
    ['from the future', SKEW / 1000 + 1, 'from the future'],
  ])('%s', async (_, offset, outcome) => {
    const stage = new Stage();
    expect(await stage.sign({ parameters: `created=${stage.now + offset};keyid="k"` })).toContain(outcome);
  });

  it('says when it was made, or covers a date that does', async () => {
    const stage = new Stage();
    const date = new Date(stage.clock.now()).toUTCString();
    const dated = { parameters: 'keyid="k"', headers: { date }, lines: [`"date": ${date}`] };
    expect(await stage.sign({ ...dated, covers: '"@method" "@target-uri" "date"' })).toBe('app');
    expect(await stage.sign(dated)).toContain('must cover date');
    expect(await new Stage([]).sign({ parameters: 'keyid="k"' })).toContain('when it was made');
    const expired = `created=${stage.now - 10};expires=${stage.now};keyid="k"`;
    expect(await stage.sign({ parameters: expired })).toContain('has expired');
  });

  it.each([
    [{ secret: 'another secret' }, 'does not hold'],
    [{ parameters: 'created=CREATED;keyid="unknown"' }, 'does not hold'],
    [{ parameters: 'created=CREATED;keyid="k";alg="ed25519"' }, 'does not hold'],
    [{ parameters: 'created=CREATED;keyid="k";alg="hmac-sha256"' }, 'app'],
    [{ covers: '"@method"' }, 'must cover (request-target)'],
    [{ covers: '"@target-uri"' }, 'must cover (request-target)'],
    [{ covers: '"@method" "@target-uri" "x-absent"' }, 'does not hold'],
  ])('%j', async (signed: Signed, outcome) => {
    const stage = new Stage();
    const parameters = signed.parameters?.replace('CREATED', String(stage.now));
    expect(await stage.sign({ ...signed, ...(parameters !== undefined && { parameters }) })).toContain(outcome);
  });

  it('may have signatures of others beside its own', async () => {
    const stage = new Stage();
    const exchange = stage.exchange({});
    const { headers } = exchange.req;
    headers['signature-input'] = `other=("@method");keyid="x", ${String(headers['signature-input'])}`;
    headers['signature'] = `other=:AA==:, ${String(headers['signature'])}`;
    expect(await stage.ask(exchange)).toBe('app');
  });

  it('is not one without either field, and is refused with only one of them', async () => {
    const stage = new Stage();
    expect(await stage.ask(exchangeOf())).toBe('none');
    expect(await stage.ask(exchangeOf({ headers: { signature: 'sig=:AA==:' } }))).toContain('cannot be read');
  });
});

describe('the body of a signed request', () => {
  function withBody(stage: Stage, digest: string | null, length = '4'): ReturnType<Stage['exchange']> {
    const covers = `"@method" "@target-uri"${digest === null ? '' : ' "content-digest"'}`;
    const headers = { 'content-length': length, ...(digest !== null && { 'content-digest': digest }) };
    return stage.exchange({ covers, headers, lines: [`"content-digest": ${digest ?? ''}`] });
  }

  function digestOf(text: string, algorithm: 'sha256' | 'sha512' = 'sha256'): string {
    return `${algorithm.replace('sha', 'sha-')}=:${createHash(algorithm).update(text).digest('base64')}:`;
  }

  it('needs a digest that the signature covers, and is watched', async () => {
    const stage = new Stage();
    expect(await stage.ask(withBody(stage, null))).toContain('must cover digest');
    for (const [body, verdict] of [
      ['body', null],
      ['b0dy', { code: 'invalid_credentials' }],
    ] as const) {
      for (const algorithm of ['sha256', 'sha512'] as const) {
        const exchange = withBody(new Stage(), digestOf('body', algorithm));
        expect(await new Stage().ask(exchange)).toBe('app');
        exchange.bodyCheck?.piece(Buffer.from(body.slice(0, 2)));
        exchange.bodyCheck?.piece(Buffer.from(body.slice(2)));
        if (verdict === null) expect(exchange.bodyCheck?.end()).toBeNull();
        else expect(exchange.bodyCheck?.end()).toMatchObject(verdict);
      }
    }
  });

  it.each(['md5=:AA==:', 'nonsense;;', 'sha-256=1', 'sha-256=(:AA==:)'])(
    'needs one that can be checked: %s',
    async (digest) => {
      const stage = new Stage();
      expect(await stage.ask(withBody(stage, digest))).toContain('no sha-256');
    },
  );

  it('has to hold by every digest that is there', async () => {
    const stage = new Stage();
    const exchange = withBody(stage, `${digestOf('body')}, ${digestOf('other', 'sha512')}`);
    expect(await stage.ask(exchange)).toBe('app');
    exchange.bodyCheck?.piece(Buffer.from('body'));
    expect(exchange.bodyCheck?.end()).not.toBeNull();
  });

  it('is compared at once where there is none', async () => {
    const stage = new Stage();
    expect(await stage.ask(withBody(stage, digestOf(''), '0'))).toBe('app');
    expect(await stage.ask(withBody(stage, digestOf('body'), '0'))).toContain('not the one');
  });
});

import { EventEmitter, once } from 'node:events';
import {
  Agent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request,
  type ServerResponse,
} from 'node:http';
import {
  type RecordedRequest,
  type RecordingUpstream,
  type SpawnedGateway,
  spawnGateway,
  startPostgres,
  startUpstream,
  type TestDatabase,
} from '#testing';

export type UpstreamName = 'v1' | 'v2' | 'v3';

const NAMES: readonly UpstreamName[] = ['v1', 'v2', 'v3'];

/** What an upstream was asked; it is also what it answers. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Names and values in turn, as they came. */
  readonly fields: readonly string[];
  readonly body: string;
}

/** An address where nobody listens. */
export const NOBODY = 'http://127.0.0.1:1';

/** What an upstream does instead of its usual answer. */
export type Reply = (res: ServerResponse) => void;

export function status(code: number, headers: OutgoingHttpHeaders = {}): Reply {
  return (res) => res.writeHead(code, headers).end();
}

/** The connection is broken, and nothing of an answer has come. */
export function reset(res: ServerResponse): void {
  res.socket?.resetAndDestroy();
}

/** The request arrives, and that is all. */
export function silence(): void {
  // Whoever asked has to lose patience.
}

/** Answers 200 with what it saw, under its name. */
export class NamedUpstream {
  readonly #replies: Reply[] = [];
  readonly #arrivals = new EventEmitter();

  private constructor(
    readonly name: UpstreamName,
    readonly server: RecordingUpstream,
  ) {}

  static async start(name: UpstreamName): Promise<NamedUpstream> {
    const server = await startUpstream((req, res) => upstream.#answer(req, res));
    const upstream = new NamedUpstream(name, server);
    return upstream;
  }

  #answer(req: IncomingMessage, res: ServerResponse): void {
    const recorded = this.server.requests.at(-1)!;
    const reply = this.#replies.shift();
    req.on('end', () => {
      const seen = seenIn(recorded);
      res.setHeader('X-Upstream', this.name);
      if (reply === undefined) res.setHeader('Content-Type', 'application/json').end(JSON.stringify(seen));
      else reply(res);
      this.#arrivals.emit('request', seen, res);
    });
  }

  get asked(): readonly RecordedRequest[] {
    return this.server.requests;
  }

  /** One for each request that comes; after that it answers as usual. */
  repliesWith(...replies: readonly Reply[]): void {
    this.#replies.length = 0;
    this.#replies.push(...replies);
  }

  /** The next request, once it has come as a whole, and the response to it. */
  async hears(): Promise<[Seen, ServerResponse]> {
    return (await once(this.#arrivals, 'request')) as [Seen, ServerResponse];
  }
}

function seenIn({ method, url, headers, rawHeaders, body }: RecordedRequest): Seen {
  return { method, url, headers: headers as Seen['headers'], fields: rawHeaders, body: body.toString() };
}

export interface Asked {
  readonly method?: string;
  /** Of the Host field; its own address when left out. */
  readonly host?: string;
  readonly path?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Names and values in turn, as they came. */
  readonly fields: readonly string[];
  readonly body: string;
  /** Which upstream gave it; undefined: the gateway by itself. */
  readonly from: string | undefined;
}

/** A gateway as users run it, and three upstreams that it knows as v1, v2 and v3. */
export class Stage {
  readonly #agent = new Agent({ keepAlive: true });

  private constructor(
    readonly gateway: SpawnedGateway,
    readonly v1: NamedUpstream,
    readonly v2: NamedUpstream,
    readonly v3: NamedUpstream,
    private readonly database: TestDatabase,
  ) {}

  /** `configure` says what stands under `gateway`, given where the upstreams are; its upstreams come beside the three. */
  static async open(configure: (at: Addresses) => GatewaySection): Promise<Stage> {
    const [v1, v2, v3] = await Promise.all([
      NamedUpstream.start('v1'),
      NamedUpstream.start('v2'),
      NamedUpstream.start('v3'),
    ]);
    const at = { v1: v1.server.url, v2: v2.server.url, v3: v3.server.url };
    const database = await (await startPostgres()).createDatabase();
    const { upstreams = [], ...section } = configure(at);
    const three = NAMES.map((name) => plainUpstream(name, at[name]));
    const gateway = await spawnGateway({
      env: { DATABASE_URL: database.url },
      config: { gateway: { ...section, upstreams: [...three, ...upstreams] } },
    });
    return new Stage(gateway, v1, v2, v3, database);
  }

  async ask({ method = 'GET', host, path = '/', headers = {}, body }: Asked): Promise<Answer> {
    const req = request({
      host: '127.0.0.1',
      port: this.gateway.port,
      agent: this.#agent,
      method,
      path,
      headers: host === undefined ? headers : { host, ...headers },
    });
    const [res] = (await once(req.end(body), 'response')) as [IncomingMessage];
    const pieces: Buffer[] = [];
    for await (const piece of res) pieces.push(piece as Buffer);
    return {
      status: res.statusCode ?? 0,
      headers: res.headers,
      fields: res.rawHeaders,
      body: Buffer.concat(pieces).toString(),
      from: res.headers['x-upstream'] as string | undefined,
    };
  }

  /** The upstream that answers, or the status with which the gateway refuses. */
  async whoAnswers(asked: Asked): Promise<string | number> {
    const { from, status } = await this.ask(asked);
    return from ?? status;
  }

  /** What the upstream saw of a request that it answered. */
  async seen(asked: Asked): Promise<Seen> {
    const { from, status, body } = await this.ask(asked);
    if (from === undefined) throw new Error(`no upstream answered, but the gateway: ${status} ${body}`);
    return JSON.parse(body) as Seen;
  }

  /** Nothing has been asked, and all answer as usual. */
  forget(): void {
    for (const upstream of [this.v1, this.v2, this.v3]) {
      upstream.server.requests.length = 0;
      upstream.repliesWith();
    }
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    await this.gateway.stop();
    await Promise.all([this.v1, this.v2, this.v3].map(async ({ server }) => await server.stop()));
    await this.database.drop();
  }
}

/** Of a problem. */
export function codeOf(body: string): string {
  return (JSON.parse(body) as { code: string }).code;
}

type Addresses = Readonly<Record<UpstreamName, string>>;

/** Tests that share a stage with others: what they need of the gateway, and how they go. */
export interface Part {
  readonly configure: (at: Addresses) => GatewaySection;
  readonly describe: (stage: () => Stage) => void;
}

/** All of them on one gateway. Their routes are kept apart by paths, hosts or headers. */
export function together(parts: readonly Part[]): Part['configure'] {
  return (at) => {
    const sections = parts.map(({ configure }) => configure(at));
    return {
      routes: sections.flatMap(({ routes }) => routes),
      upstreams: sections.flatMap(({ upstreams = [] }) => upstreams),
      trustedProxies: sections.flatMap(({ trustedProxies = [] }) => trustedProxies),
    };
  };
}

interface GatewaySection {
  readonly routes: readonly object[];
  readonly upstreams?: readonly object[];
  readonly trustedProxies?: readonly string[];
}

/** Nothing that is not asked for: what a test sees is what its route says. */
export function plainUpstream(name: string, ...targets: readonly (string | object)[]): object {
  return { name, targets, retry: 'off', breaker: 'off', health: 'off' };
}

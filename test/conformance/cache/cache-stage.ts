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

export type Reply = (res: ServerResponse, req: IncomingMessage) => void;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Sent {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
  readonly gateway?: SpawnedGateway;
}

/** Gateways before one upstream, whose answers a test decides. */
export class CacheStage {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 200 });
  readonly #arrivals = new EventEmitter();
  /** What the upstream answers, by path; without the query. */
  readonly replies = new Map<string, Reply>();

  private constructor(
    readonly upstream: RecordingUpstream,
    readonly gateways: readonly SpawnedGateway[],
    private readonly databases: readonly TestDatabase[],
  ) {}

  static async open(
    configure: (upstream: string) => { gateway: object; auth?: object },
    { instances = 1, env = {} }: { instances?: number; env?: Readonly<Record<string, string>> } = {},
  ): Promise<CacheStage> {
    const upstream = await startUpstream((req, res) => stage.#reply(req, res));
    const postgres = await startPostgres();
    const databases: TestDatabase[] = [];
    const gateways: SpawnedGateway[] = [];
    for (let i = 0; i < instances; i++) {
      const database = await postgres.createDatabase();
      databases.push(database);
      gateways.push(
        await spawnGateway({ env: { DATABASE_URL: database.url, ...env }, config: configure(upstream.url) }),
      );
    }
    const stage: CacheStage = new CacheStage(upstream, gateways, databases);
    return stage;
  }

  get gateway(): SpawnedGateway {
    const [first] = this.gateways;
    if (first === undefined) throw new Error('there is no gateway');
    return first;
  }

  #reply(req: IncomingMessage, res: ServerResponse): void {
    const reply = this.replies.get((req.url ?? '').replace(/\?.*$/, ''));
    req.resume();
    if (reply === undefined) res.end('no reply was given');
    else reply(res, req);
    this.#arrivals.emit('request', req, res);
  }

  /** What the upstream was asked for this path. */
  asked(path: string): readonly RecordedRequest[] {
    return this.upstream.requests.filter(({ url }) => url === path || url.startsWith(`${path}?`));
  }

  /** Resolves when the upstream has been asked so often for the path. */
  async askedTimes(path: string, times: number): Promise<void> {
    while (this.asked(path).length < times) await once(this.#arrivals, 'request');
  }

  async ask(path: string, { method = 'GET', headers = {}, body, gateway = this.gateway }: Sent = {}): Promise<Answer> {
    const req = request({ host: '127.0.0.1', port: gateway.port, agent: this.#agent, method, path, headers });
    const [res] = (await once(req.end(body), 'response')) as [IncomingMessage];
    const pieces: Buffer[] = [];
    for await (const piece of res) pieces.push(piece as Buffer);
    return { status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(pieces).toString('latin1') };
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    await Promise.all(this.gateways.map(async (gateway) => await gateway.stop()));
    await this.upstream.stop();
    await Promise.all(this.databases.map(async (database) => await database.drop()));
  }
}

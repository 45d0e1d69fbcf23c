import { IncomingMessage, ServerResponse } from 'node:http';
import { answerProblem, ownSecurityHeaders, type Reserved } from '#gateway';
import { type Exchange } from '#kernel';
import { type Logger } from 'pino';
import { Http1Bridge } from './http2/http1-bridge.js';

type Serve = (req: IncomingMessage, res: ServerResponse) => void;

/** Says whether a path is one of ours. */
export const RESERVED = Symbol('RESERVED');

const EXCHANGE = Symbol('exchange');

/** What Express handles came in as this. */
export function exchangeOf(req: IncomingMessage): Exchange {
  const exchange = (req as { [EXCHANGE]?: Exchange })[EXCHANGE];
  if (exchange === undefined) throw new Error('a request came to a reserved path without an exchange');
  return exchange;
}

/** Aegis's own paths, on the gateway's port or, but for `/health`, on one of their own. */
export class ReservedPaths implements Reserved {
  private readonly bridge = new Http1Bridge();

  constructor(
    private readonly express: Serve,
    private readonly reserved: (path: string) => boolean,
    private readonly logger: Logger,
  ) {}

  owns(path: string): boolean {
    return this.reserved(path);
  }

  serve(exchange: Exchange): void {
    if (exchange.upgrade !== null) {
      answerProblem(exchange, 'route_not_found', 'Aegis takes no upgrade on this path.');
      return;
    }
    exchange.res.on('close', () => this.served(exchange));
    const { req, res } = exchange;
    if (req instanceof IncomingMessage && res instanceof ServerResponse)
      this.hand(exchange, req, res as ServerResponse);
    else this.bridge.carry(exchange, (inner, answer) => this.hand(exchange, inner, answer));
  }

  private hand(exchange: Exchange, req: IncomingMessage, res: ServerResponse): void {
    (req as { [EXCHANGE]?: Exchange })[EXCHANGE] = exchange;
    req.url = exchange.path + exchange.query;
    res.setHeader('X-Request-Id', exchange.id);
    // For whoever asked, now: what may be kept says so itself.
    res.setHeader('Cache-Control', 'no-store');
    const security = ownSecurityHeaders(exchange.listener.secure);
    for (let i = 0; i < security.length; i += 2) res.setHeader(security[i] ?? '', security[i + 1] ?? '');
    this.express(req, res);
  }

  /** Probes come every few seconds and say nothing new. */
  private served({ id, path, req, res, startedAt }: Exchange): void {
    const level = path.startsWith('/health') ? 'debug' : 'info';
    const latencyMs = Math.round((performance.now() - startedAt) * 100) / 100;
    const fields = { requestId: id, method: req.method, path, status: res.statusCode, latencyMs };
    this.logger[level](fields, `admin ${req.method ?? ''} ${path} ${res.statusCode}`);
  }
}

import { isIP } from 'node:net';
import {
  type ClientRequest,
  type ClientResponse,
  Exchange,
  isRequestId,
  type ListenerInfo,
  Refusal,
  Steps,
  unmapped,
  type Upgrade,
  uuidv7,
} from '#kernel';
import { refuseAmbiguous, refuseHiddenDots } from './ambiguity.js';
import { answerFixed, answerProblem } from './answer.js';
import { bodyFraming, NO_BODY } from './forward/request-head.js';
import { type CatchAllHandler } from './nest/catch-all-adapter.js';
import { type Route } from './route.js';
import { splitTarget } from './routing/normalize-path.js';
import { type Snapshot } from './snapshot.js';
import { isPreflight } from './transform/cors.js';
import { type AddressRule } from './transform/ip-rules.js';
import { preflightPolicy } from './transform/preflight-policy.js';

/** Hears of every proxied exchange once, when it is over. */
export interface Recorder {
  record(exchange: Exchange): void;
}

/** The paths of Aegis itself, and what serves them. */
export interface Reserved {
  owns(path: string): boolean;
  serve(exchange: Exchange): void;
}

const NEXT = (): void => undefined;

/**
 * The first and the last to see a request: names it, normalises its path, sorts reserved paths from proxied ones, routes,
 * hands it to Nest's handler, and records it when its response is closed.
 */
export class FrontDoor {
  constructor(
    private readonly current: () => Snapshot,
    private readonly recorder: Recorder,
    private readonly reserved: Reserved,
    private readonly proxied: CatchAllHandler,
    /** Whether a client that shows a token in `X-Aegis-Debug` may know what its request went through. Never rejects. */
    private readonly mayKnowSteps: (exchange: Exchange, token: string) => Promise<boolean>,
  ) {}

  handle(req: ClientRequest, res: ClientResponse, listener: ListenerInfo, upgrade: Upgrade | null): void {
    const exchange = this.begin(req, res, listener, upgrade);
    let followed = false;
    try {
      this.locate(exchange);
      if (this.reserved.owns(exchange.path)) {
        this.hurry(exchange);
        this.reserved.serve(exchange);
        return;
      }
      res.on('close', () => this.closed(exchange));
      followed = true;
      if (!this.route(exchange)) return;
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      if (!followed) res.on('close', () => this.closed(exchange));
      // What was not understood may not end where we think it does.
      if (exchange.path === '') res.shouldKeepAlive = false;
      answerProblem(exchange, thrown.code, thrown.detail, thrown.headers);
      return;
    }
    const token = req.headers['x-aegis-debug'];
    if (typeof token === 'string') void this.tellSteps(exchange, token);
    else this.proxied(exchange, res, NEXT);
  }

  /** Whoever may not know gets an answer like any other. */
  private async tellSteps(exchange: Exchange<Route>, token: string): Promise<void> {
    const steps = new Steps(exchange.startedAt);
    steps.begin('debug');
    if (await this.mayKnowSteps(exchange, token)) exchange.steps = steps;
    this.proxied(exchange, exchange.res, NEXT);
  }

  /** A door that leads to reserved paths only. */
  handleReserved(
    req: ClientRequest,
    res: ClientResponse,
    listener: ListenerInfo,
    upgrade: Upgrade | null,
    reserved: Reserved,
  ): void {
    const exchange = this.begin(req, res, listener, upgrade);
    try {
      this.locate(exchange);
      if (!reserved.owns(exchange.path)) throw new Refusal('route_not_found', 'This port serves the admin API only.');
      this.hurry(exchange);
      reserved.serve(exchange);
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      if (exchange.path === '') res.shouldKeepAlive = false;
      answerProblem(exchange, thrown.code, thrown.detail, thrown.headers);
    }
  }

  private begin(
    req: ClientRequest,
    res: ClientResponse,
    listener: ListenerInfo,
    upgrade: Upgrade | null,
  ): Exchange<Route> {
    const exchange = new Exchange<Route>(req, res, performance.now(), listener, upgrade);
    const sentId = req.headers['x-request-id'];
    exchange.id = typeof sentId === 'string' && isRequestId(sentId) ? sentId : uuidv7(Date.now());
    return exchange;
  }

  private locate(exchange: Exchange<Route>): void {
    const { req } = exchange;
    const snapshot = this.current();
    const { limits } = snapshot;
    exchange.peer = unmapped(req.socket.remoteAddress ?? '');
    exchange.trusted = snapshot.trusts(exchange.peer);
    exchange.clientIp = exchange.trusted ? clientBehind(req, snapshot.trusts, exchange.peer) : exchange.peer;
    exchange.ownFields = snapshot.shape.own(exchange);
    refuseAmbiguous(req, exchange.upgrade !== null);
    exchange.host = req.headers.host ?? '';
    const url = req.url ?? '/';
    if (url.length > limits.url) {
      throw new Refusal('uri_too_long', `The request target is longer than ${limits.url} bytes.`);
    }
    if (headBytes(req.rawHeaders) > limits.headers) {
      throw new Refusal('headers_too_large', `The header fields are larger than ${limits.headers} bytes.`);
    }
    const target = splitTarget(url);
    if (target instanceof Refusal) throw target;
    refuseHiddenDots(target.path);
    if (target.host !== undefined && target.host !== exchange.host.toLowerCase()) {
      throw new Refusal('bad_request', 'The host of the request target is not the one of the Host field.');
    }
    exchange.path = target.path;
    exchange.otherReadings = target.otherReadings;
    exchange.query = target.query;
  }

  /** Where bodies are proxied the time for them is counted as they are read; what reads them for our own paths waits for ever. */
  private hurry(exchange: Exchange<Route>): void {
    const { req } = exchange;
    const { requestTimeout } = this.current().limits;
    if (requestTimeout === null || bodyFraming(req) === NO_BODY) return;
    const late = (): void => {
      if (req.complete) return;
      if (exchange.res.headersSent) req.destroy();
      else answerProblem(exchange, 'request_timeout', 'The body of the request did not arrive in time.');
    };
    // The rest may have come while this process was held up: it is read first.
    const timer = setTimeout(() => setImmediate(late), requestTimeout);
    req.on('close', () => clearTimeout(timer));
  }

  /** False: it was answered already. */
  private route(exchange: Exchange<Route>): boolean {
    const { req } = exchange;
    const snapshot = this.current();
    if (snapshot.admits !== null) admit(snapshot.admits, exchange);
    if (isPreflight(req)) {
      const policy = preflightPolicy(snapshot.routes, snapshot.cors, exchange);
      if (policy !== null) {
        answerFixed(exchange, policy.preflight(req.headers));
        return false;
      }
    }
    const match = snapshot.routes.match(req.method ?? 'GET', exchange.host, exchange.path, req, exchange.query);
    if (match.kind === 'method_not_allowed') {
      const allow = match.allow.join(', ');
      throw new Refusal('method_not_allowed', `${req.method ?? ''} is not taken here; ${allow} is.`, { Allow: allow });
    }
    if (match.kind === 'not_found') throw new Refusal('route_not_found', 'No route takes this host and path.');
    const { route } = match;
    exchange.route = route;
    exchange.params = match.rawParams;
    exchange.ownFields = route.shape.own(exchange);
    if (route.admits !== null) admit(route.admits, exchange);
    return true;
  }

  private closed(exchange: Exchange<Route>): void {
    exchange.latencyMs = performance.now() - exchange.startedAt;
    // The listener has answered for it: the rest of the request could not be read.
    if (exchange.status === 0 && exchange.res.headersSent) exchange.status = exchange.res.statusCode;
    if (!exchange.res.writableFinished && exchange.status !== 101) exchange.aborted = true;
    exchange.call?.abort();
    this.recorder.record(exchange);
  }
}

function admit(admits: AddressRule, exchange: Exchange): void {
  if (!admits(exchange.clientIp)) throw new Refusal('ip_denied', 'This address may not come in here.');
}

/** As they stood on the wire, with the colon, the space and the line break of each. */
function headBytes(rawHeaders: readonly string[]): number {
  let bytes = rawHeaders.length * 2;
  for (const text of rawHeaders) bytes += text.length;
  return bytes;
}

/** The right-most address of `X-Forwarded-For` that is not a trusted proxy itself. What is not an address ends the trust. */
function clientBehind(req: ClientRequest, trusts: (address: string) => boolean, peer: string): string {
  const field = req.headers['x-forwarded-for'];
  const chain = typeof field === 'string' ? field.split(',') : [];
  let client = peer;
  for (let i = chain.length - 1; i >= 0; i--) {
    const address = unmapped((chain[i] ?? '').trim());
    if (isIP(address) === 0) break;
    client = address;
    if (!trusts(address)) break;
  }
  return client;
}

import { type IncomingMessage, type ServerResponse } from 'node:http';
import { type Duplex } from 'node:stream';
import { type ErrorCode } from './errors.js';

const NO_PARAMS: Readonly<Record<string, string>> = Object.freeze({});

/** What the policies need to know of the route that won; the gateway's own Route has more. */
export interface RouteInfo {
  readonly name: string;
}

/** Where the client's connection came in. */
export interface ListenerInfo {
  readonly secure: boolean;
  /** The port that is listened on, known once it is. */
  readonly port: number;
}

/** Work under way for an exchange that ends when the client goes away. */
export interface Call {
  abort(): void;
}

/** The client's connection when it asked for another protocol: no longer HTTP, and ours to answer on. */
export interface Upgrade {
  readonly socket: Duplex;
  /** What the client sent after its request head. */
  readonly first: Buffer;
}

/**
 * One request and its answer, from the first byte to the record. Every field is set in the constructor and keeps its
 * type, so that all exchanges share one hidden class.
 */
export class Exchange<R extends RouteInfo = RouteInfo> {
  id = '';
  /** Lower case, without the port. */
  host = '';
  /** Normalised once; routing, policies and the upstream all see this one. */
  path = '';
  /** With its `?`, as the client sent it; empty when there is none. */
  query = '';
  /** The address of the other end of the connection. */
  peer = '';
  /** The peer is a trusted proxy: what it says in `X-Forwarded-*` is believed. */
  trusted = false;
  /** The address of the client, after trusted proxies were believed. */
  clientIp = '';
  route: R | null = null;
  /** What the parameters of the route's path stand for, as they are written in `path`. */
  params: Readonly<Record<string, string>> = NO_PARAMS;
  call: Call | null = null;

  status = 0;
  /** `upstream/target` that answered, empty while none has. */
  backend = '';
  /** From the first byte sent upstream to its response head, in milliseconds; -1 while there was none. */
  upstreamMs = -1;
  latencyMs = 0;
  bytesIn = 0;
  bytesOut = 0;
  retries = 0;
  errorCode: ErrorCode | null = null;
  /** For the log only: may name addresses. */
  errorMessage: string | null = null;
  /** The client went away before its answer was complete. */
  aborted = false;

  constructor(
    readonly req: IncomingMessage,
    readonly res: ServerResponse,
    /** Monotonic milliseconds. */
    readonly startedAt: number,
    readonly listener: ListenerInfo,
    readonly upgrade: Upgrade | null,
  ) {}
}

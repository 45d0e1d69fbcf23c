import { type Duplex } from 'node:stream';
import { type ClientRequest, type ClientResponse } from './client-message.js';
import { type ErrorCode, type Refusal } from './errors.js';
import { type Steps } from './steps.js';

const NONE: readonly never[] = Object.freeze([]);
const NO_PARAMS: Readonly<Record<string, string>> = Object.freeze({});

/** What the policies need to know of the route that won; the gateway's own Route has more. */
export interface RouteInfo {
  readonly name: string;
}

/** Who is calling, once a credential has shown it. */
export interface Principal {
  /** The name of the consumer. */
  readonly consumer: string;
  /** Of the consumer, unchanging; its name where it has no other. */
  readonly id: string;
  readonly roles: readonly string[];
  /** What the credential is for. */
  readonly scopes: readonly string[];
  readonly plan: string | null;
  /** Names the credential without being one. */
  readonly credential: string;
  /** The person behind the consumer, where the credential tells. */
  readonly user: string | null;
  /** What a token says. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** What one rule said of an exchange. */
export interface LimitUse {
  readonly rule: { readonly name: string; readonly shadow: boolean };
  /** Whom or what the rule counted. */
  readonly key: string;
  /** A rule in shadow refuses nothing: this is what it would have said. */
  readonly allowed: boolean;
  readonly limit: number;
  readonly remaining: number;
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

/** Watches the body of a request on its way upstream. */
export interface BodyCheck {
  piece(bytes: Buffer): void;
  /** All of it was seen. What is refused then has not gone upstream whole. */
  end(): Refusal | null;
}

/** The client's connection when it asked for another protocol: no longer HTTP, and ours to answer on. */
export interface Upgrade {
  readonly socket: Duplex;
  /** What the client sent after its request head. */
  readonly first: Buffer;
  /** Ends what the socket is used for in an orderly way; set by who uses it, called when the gateway leaves, perhaps often. */
  goAway: (() => void) | null;
}

/**
 * One request and its answer, from the first byte to the record. Every field is set in the constructor and keeps its
 * type, so that all exchanges share one hidden class.
 */
export class Exchange<R extends RouteInfo = RouteInfo> {
  id = '';
  /** As the client sent it. */
  host = '';
  /** Normalised once; routing, policies and the upstream all see this one. */
  path = '';
  /** In which upstreams may read it, beside the way in which it is written: rules for paths have to hold for each. */
  otherReadings: readonly string[] = NONE;
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
  principal: Principal | null = null;
  /** By which the principal was found; empty while there is none. */
  authMethod = '';
  bodyCheck: BodyCheck | null = null;
  /** What the rules that apply said. */
  limits: readonly LimitUse[] = NONE;
  /** Why a guard said no. */
  refusal: Refusal | null = null;
  /** Refused by a limit. */
  rateLimited = false;
  /** Header fields that policies add to the answer, whoever gives it: name, value, name, value, … */
  answerHeaders: readonly string[] = NONE;
  /** Header fields of answers that Aegis gives by itself: name, value, name, value, … */
  ownFields: readonly string[] = NONE;
  /** Where the client may know how long each step took, and asks. */
  steps: Steps | null = null;
  /** Sees the response head of the upstream, and may change it: name, value, name, value, … */
  onResponseHead: ((headers: string[]) => void) | null = null;

  status = 0;
  /** Its answer is whole, and leaves at the end of this turn of the event loop if it has not left yet. */
  answered = false;
  /** `upstream/target` that answered, empty while none has. */
  backend = '';
  /** From the first byte sent upstream to its response head, in milliseconds; -1 while there was none. */
  upstreamMs = -1;
  latencyMs = 0;
  bytesIn = 0;
  bytesOut = 0;
  retries = 0;
  /** Answered with what was stored; the upstream was not asked. */
  cached = false;
  errorCode: ErrorCode | null = null;
  /** For the log only: may name addresses. */
  errorMessage: string | null = null;
  /** The client went away before its answer was complete. */
  aborted = false;

  constructor(
    readonly req: ClientRequest,
    readonly res: ClientResponse,
    /** Monotonic milliseconds. */
    readonly startedAt: number,
    readonly listener: ListenerInfo,
    readonly upgrade: Upgrade | null,
  ) {}
}

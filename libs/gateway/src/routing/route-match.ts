import { type RoutableRoute } from './routable-route.js';

export type PathParams = Readonly<Record<string, string>>;

/** The route that won. */
export class RouteMatch<R extends RoutableRoute> {
  readonly kind = 'route';
  #decoded: PathParams | null = null;

  constructor(
    readonly route: R,
    /** Each parameter as it stands in the normalised path: one segment, so that a rewrite can put it into another path as it is. */
    readonly rawParams: PathParams,
  ) {}

  /**
   * Each parameter as what the client meant: all of it decoded, `%2F` to a slash too. It is data and not part of a path;
   * what goes into a path is `rawParams`. Decoded when asked for.
   */
  get params(): PathParams {
    this.#decoded ??= Object.freeze(
      Object.fromEntries(Object.entries(this.rawParams).map(([name, raw]) => [name, decodeURIComponent(raw)])),
    );
    return this.#decoded;
  }
}

import { type PathParam } from './path-pattern.js';
import { type RoutableRoute } from './routable-route.js';

export type PathParams = Readonly<Record<string, string>>;

/** The route that won. Its parameters are cut out of the path when they are asked for: few routes ever do. */
export class RouteMatch<R extends RoutableRoute> {
  readonly kind = 'route';

  constructor(
    readonly route: R,
    private readonly places: readonly PathParam[],
    /** Normalised. */
    private readonly path: string,
  ) {}

  /** Each parameter as it stands in the path: one segment, so that a rewrite can put it into another path as it is. */
  get rawParams(): PathParams {
    return this.#collect((raw) => raw);
  }

  /**
   * Each parameter as what the client meant: all of it decoded, `%2F` to a slash too. It is data and not part of a path;
   * what goes into a path is `rawParams`.
   */
  get params(): PathParams {
    return this.#collect(decodeURIComponent);
  }

  #collect(read: (raw: string) => string): PathParams {
    const params: Record<string, string> = {};
    let segment = 0;
    let start = 1;
    for (const place of this.places) {
      for (; segment < place.segment; segment++) start = this.path.indexOf('/', start) + 1;
      const slash = this.path.indexOf('/', start);
      params[place.name] = read(this.path.slice(start, slash === -1 ? this.path.length : slash));
    }
    return params;
  }
}

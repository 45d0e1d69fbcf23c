/** What the table needs to know of a route; the gateway's own Route has more. */
export interface RoutableRoute {
  readonly name: string;
  /** `api.example.com`, or `*.example.com` for every name below it at any depth. None: any host. */
  readonly hosts: readonly string[];
  readonly path: RoutePath;
  /** None: all. GET does not imply HEAD. */
  readonly methods: readonly string[];
  readonly headers: Readonly<Record<string, ValueMatch>>;
  readonly query: Readonly<Record<string, ValueMatch>>;
  readonly priority: number;
}

export interface RoutePath {
  /**
   * `prefix`: the path and everything below it by segment, a trailing slash ignored; `exact`: nothing else;
   * `pattern`: the whole path, `:name` for one segment and a last `*` for everything below; `regex`: unanchored as written.
   */
  readonly kind: 'prefix' | 'exact' | 'pattern' | 'regex';
  readonly value: string;
}

export type ValueMatch =
  | { readonly kind: 'exact'; readonly value: string }
  /** Unanchored as written. */
  | { readonly kind: 'regex'; readonly value: string }
  | { readonly kind: 'present' };

/** Something that has the header fields, such as an IncomingMessage: they are parsed only if some route asks for one. */
export interface HeaderSource {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

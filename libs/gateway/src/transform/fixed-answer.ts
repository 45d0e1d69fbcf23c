/** A whole answer that Aegis gives by itself. */
export interface FixedAnswer {
  readonly status: number;
  /** Flat (name, value, name, value …), with the `Content-Length` if there is to be one. */
  readonly headers: readonly string[];
  /** null: none. To HEAD it is not sent. */
  readonly body: Buffer | null;
}

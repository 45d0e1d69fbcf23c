/** The fields that Aegis itself writes into what it sends to targets. */
const OURS = /^(?:host|via|traceparent|tracestate|x-request-id|x-(?:forwarded|consumer|aegis)-.*)$/;

/**
 * Names of header fields, asked for as they stand on the wire. Most fields of a message have a length that no name in the
 * set has, and are told apart without being lower-cased.
 */
export class FieldNames {
  readonly size: number;
  /** Whether one of them is of a field that Aegis itself writes. */
  readonly isOurs: boolean;
  private readonly lengths = new Uint8Array(256);
  private readonly names: ReadonlySet<string>;

  constructor(names: Iterable<string>) {
    this.names = new Set([...names].map((name) => name.toLowerCase()));
    this.size = this.names.size;
    this.isOurs = [...this.names].some((name) => OURS.test(name));
    for (const name of this.names) this.lengths[Math.min(name.length, 255)] = 1;
  }

  has(name: string): boolean {
    return this.lengths[name.length < 255 ? name.length : 255] === 1 && this.names.has(name.toLowerCase());
  }
}

/** Takes the fields of these names out of a flat list (name, value, name, value …), in place. */
export function removeFields(fields: string[], names: FieldNames): void {
  let kept = 0;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    if (names.has(name)) continue;
    if (kept !== i) {
      fields[kept] = name;
      fields[kept + 1] = fields[i + 1] as string;
    }
    kept += 2;
  }
  if (kept !== fields.length) fields.length = kept;
}

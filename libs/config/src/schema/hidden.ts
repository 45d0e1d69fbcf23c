import { type InputNode } from '../input/node.js';
import { isMask, MASK_LEFT, Secret } from '../secrets/secret.js';
import { found } from './scalars.js';
import { type JsonSchema, Place, type Reading, Schema, type Writing } from './schema.js';

/** A text that may well be secret though it is not always one: read like any, and masked wherever it would be shown. */
class Hidden extends Schema<string> {
  readonly blank = '';

  constructor(private readonly inner: Schema<string>) {
    super();
  }

  get words(): string {
    return this.inner.words;
  }

  read(node: InputNode, place: Place): string {
    const reading: Reading = { ...place.reading, mistakes: [] };
    const value = this.inner.read(node, new Place(place.path, place.origin, reading));
    if (node.kind === 'scalar' && isMask(node.source)) {
      if (place.reading.takesMasks !== true) place.wrong(MASK_LEFT);
      return value;
    }
    if (node.kind === 'scalar') place.reading.revealed.add(node.source);
    const shown = found(node);
    for (const mistake of reading.mistakes) {
      place.reading.mistakes.push({ ...mistake, message: mistake.message.replace(shown, () => 'the value') });
    }
    return value;
  }

  write(value: string, writing: Writing): unknown {
    return writing.secret(new Secret(value));
  }

  json(): JsonSchema {
    return this.inner.json();
  }
}

export function hidden(schema: Schema<string>): Schema<string> {
  return new Hidden(schema);
}

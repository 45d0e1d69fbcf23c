import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { fromValue, NOWHERE } from '../input/node.js';
import { root } from '../model/root.js';
import { type Part, Place, type Schema, silent } from '../schema/schema.js';
import { configurationSchema } from './json-schema.js';
import { configurationReference } from './reference.js';

function* partsOf(path: string, schema: Schema<unknown>): Generator<readonly [string, Part]> {
  for (const part of schema.parts()) {
    const at = `${path}${part.suffix}`;
    yield [at, part];
    yield* partsOf(at, part.schema);
  }
}

/** What every file holds in this test. */
const pem = readFileSync(new URL('../../test/fixtures/pem/issuer.pem', import.meta.url), 'utf8');
const file = (): { text: string } => ({ text: pem });

const fields = [...partsOf('', root)].filter(([, { field }]) => field !== undefined);

describe('every key', () => {
  it('has a description that ends as a sentence, and appears in the reference', () => {
    const reference = configurationReference();
    for (const [path, { field, suffix }] of fields) {
      expect([path, field?.doc]).toEqual([path, expect.stringMatching(/[.!?]$/)]);
      if (path === suffix) continue;
      expect([path, reference.includes(`| \`${suffix.slice(1)}\` |`)]).toEqual([path, true]);
    }
    expect(fields.length).toBeGreaterThan(250);
  });

  it('accepts its own example and its own default', () => {
    for (const [path, { schema, field }] of fields) {
      for (const value of [field?.example, field?.default]) {
        if (value === undefined) continue;
        const place = new Place([], NOWHERE, { ...silent().reading, secrets: { file, decrypt: file } });
        schema.read(fromValue(value), place);
        expect([path, place.reading.mistakes.map(({ message }) => message)]).toEqual([path, []]);
      }
    }
  });

  it('has a JSON Schema with its description', () => {
    const schema = JSON.stringify(configurationSchema());
    for (const [path, { field }] of fields) {
      expect([path, schema.includes(JSON.stringify(field?.doc).slice(1, -1))]).toEqual([path, true]);
    }
  });
});

import { describe, expect, it } from '@jest/globals';
import { ENTITY_KINDS } from '../entities/kinds.js';
import { entitySchema } from './entity-schema.js';

describe('the schema of an entity', () => {
  it.each(ENTITY_KINDS)('of %s has nothing that only a file may say', (kind) => {
    const text = JSON.stringify(entitySchema(kind));
    expect(text).not.toMatch(/\$ref|\$\\{0,2}\{|"encrypted"/);
    expect(text).not.toContain('"required":["file"]');
  });

  it('has names and descriptions of the fields, as the file has them', () => {
    const { properties } = entitySchema('routes') as { properties: Record<string, { description?: string }> };
    expect(Object.keys(properties)).toEqual(expect.arrayContaining(['name', 'path', 'upstream', 'timeout']));
    expect(Object.values(properties).filter(({ description }) => description === undefined)).toEqual([]);
  });

  it('says that a value may be left out in the same breath', () => {
    const { properties } = entitySchema('alerts') as { properties: Record<string, object> };
    expect(properties['severity']).toMatchObject({ enum: ['info', 'warning', 'critical', null] });
    expect(properties['route']).toMatchObject({ type: ['string', 'number', 'boolean', 'null'] });
    expect(properties['metric']).toMatchObject({ enum: expect.arrayContaining(['throughput']) });
  });
});

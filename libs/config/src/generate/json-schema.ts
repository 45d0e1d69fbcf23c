import { root } from '../model/root.js';

/** For editors: the schema of the file as it is written. */
export function configurationSchema(): unknown {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Configuration of Aegis',
    description: 'Generated from the schema in libs/config; docs/configuration.md says the same in prose.',
    ...root.json(),
    patternProperties: { '^x-': { description: 'Not read: a place for anchors.' } },
    $defs: {
      environment: {
        description: 'Taken from the environment: ${NAME} or ${NAME:-default}.',
        type: 'string',
        pattern: '\\$\\{',
      },
    },
  };
}

import { forms, list, object, type Out, text, withDefault, word } from '../schema/index.js';

const NONE_OF = { methods: [], roles: [], permissions: [], scopes: [] } as const;

export const authMethod = word('api-key', 'jwt', 'oauth2', 'mtls', 'basic', 'hmac');
export type AuthMethod = Out<typeof authMethod>;

const demands = object({
  methods: withDefault(
    list(authMethod),
    [],
    'Ways to authenticate that are accepted here, tried in this order; empty: all that are configured.',
    {
      example: ['api-key', 'jwt'],
    },
  ),
  roles: withDefault(list(text({ words: 'role' })), [], 'One of these is needed; empty: any.', { example: ['admin'] }),
  permissions: withDefault(list(text({ words: 'permission' })), [], 'All of these are needed.', {
    example: ['write:orders'],
  }),
  scopes: withDefault(list(text({ words: 'scope' })), [], 'All of these are needed in the token.', {
    example: ['orders'],
  }),
});

/** Who may use a route. `methods` empty: every method that is configured. */
export interface AuthRequirement {
  readonly mode: 'required' | 'optional' | 'none';
  readonly methods: readonly AuthMethod[];
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
  readonly scopes: readonly string[];
}

const byWord = word('required', 'optional', 'none').to(
  (mode): AuthRequirement => ({ mode, ...NONE_OF }),
  ({ mode }) => mode,
);

const byDemands = demands.to(
  (value): AuthRequirement => ({ mode: 'required', ...value }),
  ({ methods, roles, permissions, scopes }) => ({ methods, roles, permissions, scopes }),
);

export const authRequirement = forms({ text: byWord, map: byDemands }, (value) => {
  const lists = [value.methods, value.roles, value.permissions, value.scopes];
  return value.mode === 'required' && lists.some((list) => list.length > 0) ? 'map' : 'text';
});

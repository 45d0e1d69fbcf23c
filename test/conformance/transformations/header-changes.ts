import { describe, expect, it } from '@jest/globals';
import { type OutgoingHttpHeaders } from 'node:http';
import { type Part, type Stage, status } from '../stage.js';

interface Changes {
  readonly set?: Record<string, string>;
  readonly add?: Record<string, string>;
  readonly remove?: readonly string[];
}

/** What happens, the changes, the headers that come, and those that go on: all values of each name, in order. */
type ChangeCase = readonly [string, Changes, OutgoingHttpHeaders, Readonly<Record<string, readonly string[]>>];

/** The same for requests and responses. */
const CHANGES: readonly ChangeCase[] = [
  ['is set where it is missing', { set: { 'x-set': 'new' } }, {}, { 'x-set': ['new'] }],
  ['is set in place of what is there', { set: { 'x-set': 'new' } }, { 'x-set': 'old' }, { 'x-set': ['new'] }],
  ['is set in place of all that are there', { set: { 'x-set': 'new' } }, { 'x-set': ['1', '2'] }, { 'x-set': ['new'] }],
  ['is set whatever its case', { set: { 'X-Set': 'new' } }, { 'x-SET': 'old' }, { 'x-set': ['new'] }],
  ['is set to a list', { set: { 'x-set': 'a,b, c' } }, { 'x-set': 'old' }, { 'x-set': ['a,b, c'] }],
  ['is set to nothing', { set: { 'x-set': '' } }, { 'x-set': 'old' }, { 'x-set': [''] }],
  [
    'is set beside others',
    { set: { 'x-set': 'new', 'x-second': 'too' } },
    { 'x-other': 'kept' },
    { 'x-set': ['new'], 'x-second': ['too'], 'x-other': ['kept'] },
  ],
  ['is added where it is missing', { add: { 'x-add': 'new' } }, {}, { 'x-add': ['new'] }],
  [
    'is added behind what is there',
    { add: { 'x-add': 'bar,baz' } },
    { 'x-add': 'foo' },
    { 'x-add': ['foo', 'bar,baz'] },
  ],
  [
    'is added behind all that are there',
    { add: { 'x-add': 'c' } },
    { 'x-add': ['a', 'b'] },
    { 'x-add': ['a', 'b', 'c'] },
  ],
  ['is added whatever its case', { add: { 'X-Add': 'new' } }, { 'x-ADD': 'old' }, { 'x-add': ['old', 'new'] }],
  ['is removed', { remove: ['x-remove'] }, { 'x-remove': 'old' }, { 'x-remove': [] }],
  ['is removed wherever it is', { remove: ['x-remove'] }, { 'x-remove': ['1', '2'] }, { 'x-remove': [] }],
  ['is removed whatever its case', { remove: ['X-Remove'] }, { 'x-REMOVE': 'old' }, { 'x-remove': [] }],
  [
    'is removed where it is missing',
    { remove: ['x-remove'] },
    { 'x-other': 'kept' },
    { 'x-remove': [], 'x-other': ['kept'] },
  ],
  [
    'is removed by its whole name',
    { remove: ['x-remove'] },
    { 'x-remove-not': 'kept', 'x-rem': 'kept' },
    { 'x-remove-not': ['kept'], 'x-rem': ['kept'] },
  ],
  [
    'is set, added and removed at once',
    { set: { 'x-set-1': 'a', 'x-set-2': 'b' }, add: { 'x-add-1': 'c', 'x-add-2': 'd' }, remove: ['x-rm-1', 'x-rm-2'] },
    { 'x-set-1': 'old', 'x-add-1': 'old', 'x-rm-1': 'old', 'x-rm-2': 'old', 'x-other': 'kept' },
    {
      'x-set-1': ['a'],
      'x-set-2': ['b'],
      'x-add-1': ['old', 'c'],
      'x-add-2': ['d'],
      'x-rm-1': [],
      'x-rm-2': [],
      'x-other': ['kept'],
    },
  ],
  [
    'is left as it is where nothing is said',
    {},
    { 'x-one': 'a', 'x-two': ['b', 'c'] },
    { 'x-one': ['a'], 'x-two': ['b', 'c'] },
  ],
];

export const HEADER_CHANGES: Part = {
  configure: () => ({
    routes: [
      ...CHANGES.map(([, headers], row) => ({ path: `/request/${row}`, upstream: 'v1', request: { headers } })),
      ...CHANGES.map(([, headers], row) => ({ path: `/response/${row}`, upstream: 'v1', response: { headers } })),
      {
        path: '/both',
        upstream: 'v1',
        rewrite: { stripPrefix: '/both' },
        request: { headers: { set: { 'x-for': 'upstream' } } },
        response: { headers: { set: { 'x-for': 'client' } } },
      },
      { path: '/plain', upstream: 'v1' },
      { path: '/cookies/add', upstream: 'v1', response: { headers: { add: { 'set-cookie': 'c=3' } } } },
      { path: '/cookies/set', upstream: 'v1', response: { headers: { set: { 'set-cookie': 'c=3' } } } },
      { path: '/cookies/remove', upstream: 'v1', response: { headers: { remove: ['set-cookie'] } } },
    ],
  }),
  describe: describeHeaderChanges,
};

function describeHeaderChanges(stage: () => Stage): void {
  /** All values of a name, in the order in which they came. */
  function values(fields: readonly string[], name: string): string[] {
    return fields.filter((_, i) => i % 2 === 1 && fields[i - 1]?.toLowerCase() === name);
  }

  function picked(fields: readonly string[], wanted: ChangeCase[3]): Record<string, string[]> {
    return Object.fromEntries(Object.keys(wanted).map((name) => [name, values(fields, name)]));
  }

  const ROWS = CHANGES.map(([says, , come, wanted], row) => [says, come, wanted, row] as const);

  describe('a header of the request', () => {
    it.each(ROWS)('%s', async (_says, headers, wanted, row) => {
      const seen = await stage().seen({ path: `/request/${row}`, headers });
      expect(picked(seen.fields, wanted)).toEqual(wanted);
    });

    it('is not changed for the client, nor on another route', async () => {
      stage().v1.repliesWith(status(200, { 'x-set': 'old' }));
      expect((await stage().ask({ path: '/request/1' })).headers['x-set']).toBe('old');
      expect((await stage().seen({ path: '/plain', headers: { 'x-set': 'old' } })).headers['x-set']).toBe('old');
    });
  });

  describe('a header of the response', () => {
    it.each(ROWS)('%s', async (_says, headers, wanted, row) => {
      stage().v1.repliesWith(status(200, headers));
      const answer = await stage().ask({ path: `/response/${row}` });
      expect(picked(answer.fields, wanted)).toEqual(wanted);
    });

    it.each([201, 301, 404, 500, 503])('is changed on a %d too', async (code) => {
      stage().v1.repliesWith(status(code, { 'x-set': 'old' }));
      const answer = await stage().ask({ path: '/response/1' });
      expect([answer.status, answer.headers['x-set']]).toEqual([code, 'new']);
    });

    it.each([
      ['are kept when one is added', '/cookies/add', ['a=1', 'b=2', 'c=3']],
      ['are gone when one is set', '/cookies/set', ['c=3']],
      ['are gone when they are removed', '/cookies/remove', undefined],
      ['are kept where nothing is said', '/plain', ['a=1', 'b=2']],
    ])('may be cookies, which %s', async (_says, path, cookies) => {
      stage().v1.repliesWith(status(200, { 'set-cookie': ['a=1', 'b=2'] }));
      expect((await stage().ask({ path })).headers['set-cookie']).toEqual(cookies);
    });

    it('is not changed for the upstream, nor on another route', async () => {
      const seen = await stage().seen({ path: '/response/1', headers: { 'x-set': 'old' } });
      expect(seen.headers['x-set']).toBe('old');
      stage().v1.repliesWith(status(200, { 'x-set': 'old' }));
      expect((await stage().ask({ path: '/plain' })).headers['x-set']).toBe('old');
    });
  });

  describe('both', () => {
    it('are changed on one route, beside its path', async () => {
      const heard = stage().v1.hears();
      const answer = await stage().ask({ path: '/both/x', headers: { 'x-for': 'nobody' } });
      const [seen] = await heard;
      expect([seen.url, seen.headers['x-for'], answer.headers['x-for']]).toEqual(['/x', 'upstream', 'client']);
    });
  });
}

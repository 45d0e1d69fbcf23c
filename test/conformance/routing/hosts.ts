import { type RoutingCase, type Topic } from './topic.js';
import { type UpstreamName } from '../stage.js';

function at(says: string, host: string, answerer: UpstreamName | number, path = '/'): RoutingCase {
  return [says, { host, path }, answerer];
}

const EXACT: Topic = {
  about: 'a host of a route',
  routes: [
    { hosts: ['very.specific.example', 'second.specific.example'], path: '/s1', upstream: 'v1' },
    { hosts: ['very.specific.example'], path: '/s2', upstream: 'v2' },
    { hosts: ['third.specific.example'], path: '/s1', upstream: 'v3' },
    { hosts: ['CAPITAL.specific.example'], upstream: 'v3' },
    { hosts: ['bücher.specific.example'], upstream: 'v2' },
    { hosts: ['127.0.0.9'], upstream: 'v1' },
    { hosts: ['[::1]'], upstream: 'v2' },
  ],
  cases: [
    at('is the name in the Host field', 'very.specific.example', 'v1', '/s1'),
    at('leaves another path to another route', 'very.specific.example', 'v2', '/s2'),
    at('is one of several', 'second.specific.example', 'v1', '/s1'),
    at('does not lend its paths to the others', 'second.specific.example', 404, '/s2'),
    at('leads where its own route says', 'third.specific.example', 'v3', '/s1'),
    at('has the paths that its route names', 'very.specific.example', 404, '/s3'),
    at('is compared without the port', 'very.specific.example:1234', 'v1', '/s1'),
    at('is compared in any case', 'Very.Specific.EXAMPLE', 'v1', '/s1'),
    at('is compared without the dot at the end', 'very.specific.example.', 'v1', '/s1'),
    at('may be written in any case', 'capital.specific.example', 'v3'),
    at('may be an international name', 'xn--bcher-kva.specific.example', 'v2'),
    at('may be an address', '127.0.0.9:8080', 'v1'),
    at('may be an IPv6 address', '[::1]:8080', 'v2'),
    at('is not a name below it', 'non.very.specific.example', 404, '/s1'),
    at('is not a name above it', 'specific.example', 404, '/s1'),
    at('is not a name that ends like it', 'notvery.specific.example', 404, '/s1'),
    at('is not just any name', 'no.such.host', 404, '/s1'),
  ],
};

const WILDCARD: Topic = {
  about: 'a wildcard host',
  routes: [
    { hosts: ['*.wildcard.example'], path: '/s3', upstream: 'v1' },
    { hosts: ['*.other.wildcard.test'], path: '/s4', upstream: 'v2' },
  ],
  cases: [
    at('takes a name below it', 'foo.wildcard.example', 'v1', '/s3'),
    at('takes a name far below it', 'foo.bar.baz.wildcard.example', 'v1', '/s3'),
    at('takes a name below it with a port', 'foo.wildcard.example:8443', 'v1', '/s3'),
    at('takes a name below it in any case', 'FOO.Wildcard.Example', 'v1', '/s3'),
    at('does not take its own name', 'wildcard.example', 404, '/s3'),
    at('does not take an empty label', '.wildcard.example', 404, '/s3'),
    at('does not take a name that ends like it', 'foo.notwildcard.example', 404, '/s3'),
    at('does not take a name that goes on', 'foo.wildcard.example.net', 404, '/s3'),
    at('has the paths that its route names', 'foo.wildcard.example', 404, '/s4'),
    at('may have several labels', 'a.other.wildcard.test', 'v2', '/s4'),
    at('of several labels needs all of them', 'a.wildcard.test', 404, '/s4'),
  ],
};

const HOST_ORDER: Topic = {
  about: 'among hosts that all match',
  routes: [
    { hosts: ['*.order.test'], upstream: 'v3' },
    { hosts: ['order.test'], upstream: 'v1' },
    { hosts: ['foo.order.test'], upstream: 'v2' },
    { hosts: ['*.deep.order.test'], upstream: 'v1' },
    { hosts: ['*.order.test'], path: { exact: '/exact' }, headers: { version: 'one' }, upstream: 'v3' },
    { hosts: ['*.order.test'], path: '/priority', priority: 10, upstream: 'v3' },
    { hosts: ['narrow.order.test'], path: '/narrow', upstream: 'v2' },
    { hosts: ['narrow.order.test'], path: '/method', methods: ['POST'], upstream: 'v2' },
    { hosts: ['mixed.order.test', '*.mixed.order.test'], upstream: 'v2' },
  ],
  cases: [
    at('a name by itself is taken', 'order.test', 'v1'),
    at('an exact one goes before a wildcard', 'foo.order.test', 'v2'),
    at('a wildcard takes the other names', 'baz.order.test', 'v3'),
    at('a wildcard takes names at any depth', 'multiple.labels.order.test', 'v3'),
    at('a longer wildcard goes before a shorter one', 'a.deep.order.test', 'v1'),
    at('a longer wildcard goes first at any depth', 'a.b.deep.order.test', 'v1'),
    at('a shorter wildcard takes the name of the longer one', 'deep.order.test', 'v3'),
    [
      'an exact one goes before a wildcard with more conditions',
      { host: 'foo.order.test', path: '/exact', headers: { version: 'one' } },
      'v2',
    ],
    at('an exact one goes before a wildcard with a priority', 'foo.order.test', 'v2', '/priority'),
    at('an exact one takes what its route takes', 'narrow.order.test', 'v2', '/narrow'),
    at('an exact one leaves what its route does not take to a wildcard', 'narrow.order.test', 'v3', '/wide'),
    at('an exact one leaves a method to a wildcard', 'narrow.order.test', 'v3', '/method'),
    at('one route may have an exact one and a wildcard: the name', 'mixed.order.test', 'v2'),
    at('one route may have an exact one and a wildcard: below it', 'x.mixed.order.test', 'v2'),
  ],
};

/** The standard has a listener with a host beside one without. Here both are routes. */
const ANY_HOST: Topic = {
  about: 'a route without hosts',
  routes: [
    { hosts: [], path: '/any', upstream: 'v3' },
    { hosts: ['named.any.test'], path: '/any', upstream: 'v1' },
    { hosts: ['named.any.test'], path: '/any/method', methods: ['POST'], upstream: 'v1' },
    { hosts: ['*.any.test'], path: '/any', upstream: 'v2' },
    { hosts: [], path: '/any/longer/than/others', upstream: 'v3' },
  ],
  cases: [
    at('takes any host', 'whatever.test', 'v3', '/any'),
    at('takes any address', '127.0.0.1:1', 'v3', '/any'),
    at('comes after the host that is named', 'named.any.test', 'v1', '/any'),
    at('comes after a wildcard', 'other.any.test', 'v2', '/any'),
    at('comes after them with a longer path too', 'named.any.test', 'v1', '/any/longer/than/others'),
    at('takes what the host of a wildcard does not cover', 'any.test', 'v3', '/any'),
    at('takes nothing on another path', 'whatever.test', 404, '/none'),
  ],
};

export const HOST_TOPICS: readonly Topic[] = [EXACT, WILDCARD, HOST_ORDER, ANY_HOST];

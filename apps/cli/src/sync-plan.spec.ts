import { describe, expect, it } from '@jest/globals';
import { type Entity } from '#config';
import { fieldChanges, planOf, type RunningEntity } from './sync-plan.js';

function route(name: string, spec: Entity['spec'] = { path: `/${name}`, upstream: 'u' }): Entity {
  return { kind: 'routes', name, spec };
}

function running(entity: Entity, source: RunningEntity['source'] = 'api'): RunningEntity {
  return { ...entity, source };
}

function shown(steps: readonly { action: string; kind: string; name: string }[]): string[] {
  return steps.map(({ action, kind, name }) => `${action} ${kind}/${name}`);
}

describe('a plan', () => {
  it('is empty for what reads the same, however it is written', () => {
    const wanted = [route('a', { path: '/a', upstream: 'u', timeout: '60s' })];
    const runs = [running(route('a', { upstream: 'u', path: { prefix: '/a' }, timeout: '1m', methods: [] }))];
    expect(planOf(wanted, runs, true)).toMatchObject({ steps: [], blocked: [], kept: [] });
  });

  it('creates, changes, and deletes only when it may', () => {
    const wanted = [route('new'), route('same'), route('changed', { path: '/other', upstream: 'u' })];
    const runs = [route('same'), route('changed'), route('old')].map((each) => running(each));
    const careful = planOf(wanted, runs, false);
    const pruning = planOf(wanted, runs, true);
    expect(shown(careful.steps)).toEqual(['create routes/new', 'change routes/changed']);
    expect(shown(careful.kept)).toEqual(['delete routes/old']);
    expect(shown(pruning.steps)).toEqual(['create routes/new', 'change routes/changed', 'delete routes/old']);
  });

  it('leaves to the file of the gateway what that declares', () => {
    const wanted = [route('own', { path: '/other', upstream: 'u' }), route('also-own')];
    const runs = [running(route('own'), 'file'), running(route('also-own'), 'file'), running(route('third'), 'file')];
    const plan = planOf(wanted, runs, true);
    expect([plan.steps, shown(plan.blocked)]).toEqual([[], ['change routes/own']]);
  });

  it('compares all address rules as one, beside those of the file of the gateway', () => {
    const ip = (name: string, allow: readonly string[], deny: readonly string[]): Entity => ({
      kind: 'ip-rules',
      name,
      spec: { allow, deny },
    });
    const runs = [
      running(ip('gateway', [], ['192.0.2.1']), 'file'),
      running(ip('office', ['10.0.0.0/8'], [])),
      running(ip('block', [], ['203.0.113.0/24'])),
    ];
    const same = ip('gateway', ['10.0.0.0/8'], ['203.0.113.0/24', '192.0.2.1']);
    const more = ip('gateway', ['10.0.0.0/8'], ['203.0.113.0/24', '198.51.100.7']);
    expect(planOf([same], runs, true).steps).toEqual([]);
    expect(planOf([more], runs, true).steps.map(({ after }) => after)).toEqual([
      { allow: ['10.0.0.0/8'], deny: ['198.51.100.7', '203.0.113.0/24'] },
    ]);
    expect(planOf([ip('gateway', [], ['198.51.100.7'])], runs, false).steps.map(({ after }) => after)).toEqual([
      { allow: ['10.0.0.0/8'], deny: ['198.51.100.7', '203.0.113.0/24'] },
    ]);
    expect(shown(planOf([], runs, true).steps)).toEqual(['delete ip-rules/config']);
  });

  it('makes what others need before them, and takes it away after them', () => {
    const upstream = (name: string): Entity => ({ kind: 'upstreams', name, spec: { targets: ['http://127.0.0.1:1'] } });
    const runs = [upstream('old'), route('old')].map((each) => running(each));
    expect(shown(planOf([route('new'), upstream('new')], runs, true).steps)).toEqual([
      'create upstreams/new',
      'create routes/new',
      'delete routes/old',
      'delete upstreams/old',
    ]);
  });

  it('names the fields that differ', () => {
    const before = { path: '/a', targets: [{ url: 'x' }], gone: 1 };
    const after = { path: '/a', targets: [{ url: 'y', weight: 2 }] };
    expect(fieldChanges({ before, after })).toEqual([
      { path: 'targets.0.url', before: 'x', after: 'y' },
      { path: 'gone', before: 1, after: undefined },
      { path: 'targets.0.weight', before: undefined, after: 2 },
    ]);
  });
});

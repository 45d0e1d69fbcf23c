import { Injectable, RequestMethod } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { ModulesContainer } from '@nestjs/core';
import { type Need, NEED } from './needs.js';

export interface Operation {
  readonly method: string;
  readonly path: string;
  /** null: it does not say, so nobody may use it. */
  readonly needs: Need | null;
}

/** Everything that can be done by HTTP beside proxying and health checks, as the controllers declare it. */
@Injectable()
export class Operations {
  constructor(private readonly modules: ModulesContainer) {}

  list(): Operation[] {
    return operationsOf(this.controllers());
  }

  /** null: there is nothing at this path, or nothing by this method. */
  find(method: string, path: string): Operation | null {
    return this.list().find((each) => each.method === method && patternOf(each.path).test(path)) ?? null;
  }

  /** By which methods something of ours is there at this path, as `Allow` lists them. */
  methodsAt(path: string): readonly string[] {
    const there = this.controllers()
      .flatMap(declaredBy)
      .filter((each) => !PROXIED.test(each.path) && patternOf(each.path).test(path));
    const methods = new Set(there.map(({ method }) => method));
    if (methods.has('GET')) methods.add('HEAD');
    return [...methods].sort();
  }

  private controllers(): object[] {
    const controllers = [...this.modules.values()].flatMap((each) => [...each.controllers.values()]);
    const types = controllers.map(({ metatype }) => metatype).filter((type) => typeof type === 'function');
    return [...new Set(types)];
  }
}

/** The one that takes what is proxied. */
const PROXIED = /^\/\*/;
/** That, and the paths that need no credential. */
const OPEN = /^\/(health(\/|$)|\*)/;

export function operationsOf(controllers: readonly object[]): Operation[] {
  return controllers
    .flatMap(declaredBy)
    .filter(({ path }) => !OPEN.test(path))
    .sort((a, b) => compare(a.path, b.path) || compare(a.method, b.method));
}

function declaredBy(controller: object): Operation[] {
  const { prototype } = controller as { prototype: Record<string, unknown> };
  const bases = pathsOf(controller);
  return Object.getOwnPropertyNames(prototype).flatMap((name) => {
    const handler = prototype[name];
    if (typeof handler !== 'function') return [];
    const method = Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod | undefined;
    if (method === undefined) return [];
    const needs = (Reflect.getMetadata(NEED, handler) as Need | undefined) ?? null;
    return bases.flatMap((base) =>
      pathsOf(handler).map((path) => ({ method: RequestMethod[method], path: joined(base, path), needs })),
    );
  });
}

function patternOf(path: string): RegExp {
  const segments = path.split('/').map((segment) => (/^[:*]/.test(segment) ? SEGMENT[segment.charAt(0)] : segment));
  return new RegExp(`^${segments.join('/')}/?$`);
}

const SEGMENT: Readonly<Record<string, string>> = { ':': '[^/]+', '*': '.+' };

function pathsOf(target: object): string[] {
  return [Reflect.getMetadata(PATH_METADATA, target) as string | string[]].flat();
}

function joined(...parts: readonly string[]): string {
  return `/${parts.flatMap((part) => part.split('/').filter((segment) => segment !== '')).join('/')}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

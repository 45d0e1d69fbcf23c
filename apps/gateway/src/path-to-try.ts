import { BUILTIN_DEMO, type Config } from '#config';

/** A path of the demo route, if the configuration has one. */
export function pathToTry({ gateway }: Config): string | null {
  const demo = new Set(
    gateway.upstreams.filter(({ targets }) => targets.some(({ url }) => url === BUILTIN_DEMO)).map(({ name }) => name),
  );
  const route = gateway.routes.find(({ upstreams, hosts, path }) => {
    return path.kind === 'prefix' && hosts.length === 0 && upstreams.some(({ upstream }) => demo.has(upstream));
  });
  return route === undefined ? null : `${route.path.value.replace(/\/$/, '')}/hello`;
}

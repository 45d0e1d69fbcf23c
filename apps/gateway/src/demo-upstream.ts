import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';

/** The upstream behind `builtin:demo`: something to send requests to before there is a service of one's own. */
export async function startDemoUpstream(): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer(answer);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // For this process alone: workers would share the port, and each other's requests.
    server.listen({ port: 0, host: '127.0.0.1', exclusive: true }, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => closed(server) };
}

function answer(req: IncomingMessage, res: ServerResponse): void {
  const url = new URL(req.url ?? '/', 'http://demo');
  const [, kind = '', argument = ''] = url.pathname.split('/');
  switch (kind) {
    case 'slow':
      setTimeout(() => hello(req, res, url), Math.min(Number(argument) || 1000, 10_000));
      return;
    case 'status': {
      const status = Number(argument);
      res.statusCode = status >= 200 && status <= 599 ? status : 400;
      hello(req, res, url);
      return;
    }
    case 'events':
      events(res);
      return;
    case 'echo':
      res.writeHead(200, { 'content-type': req.headers['content-type'] ?? 'application/octet-stream' });
      req.pipe(res);
      return;
    default:
      hello(req, res, url);
  }
}

function hello(req: IncomingMessage, res: ServerResponse, url: URL): void {
  req.resume();
  const body = {
    message: 'Hello from behind Aegis.',
    method: req.method,
    path: url.pathname + url.search,
    headers: req.headers,
  };
  res.setHeader('content-type', 'application/json');
  res.end(`${JSON.stringify(body, null, 2)}\n`);
}

/** Server-sent events, one a second for a minute. */
function events(res: ServerResponse): void {
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  let count = 0;
  const send = (): void => {
    res.write(`id: ${++count}\ndata: ${new Date().toISOString()}\n\n`);
    if (count >= 60) res.end();
  };
  send();
  const timer = setInterval(send, 1000);
  res.on('close', () => clearInterval(timer));
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

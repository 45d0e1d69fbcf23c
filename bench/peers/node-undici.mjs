// Not a product but a mark: the least that node:http in front of undici's dispatch costs, with no policy, no record
// and next to no error handling.
import http from 'node:http';
import { Pool } from 'undici';

const pool = new Pool(process.env.UPSTREAM, { connections: 256, pipelining: 1 });
const HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'te', 'trailer', 'host']);

class Forward {
  constructor(response) {
    this.response = response;
  }
  onConnect() {}
  onHeaders(status, rawHeaders, resume) {
    const headers = [];
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const name = rawHeaders[i].latin1Slice();
      if (!HOP.has(name.toLowerCase())) headers.push(name, rawHeaders[i + 1].latin1Slice());
    }
    this.response.on('drain', resume);
    this.response.writeHead(status, headers);
    return true;
  }
  onData(chunk) {
    return this.response.write(chunk);
  }
  onComplete() {
    this.response.end();
  }
  onError() {
    this.response.destroy();
  }
}

http
  .createServer((request, response) => {
    const headers = [];
    for (let i = 0; i < request.rawHeaders.length; i += 2) {
      if (!HOP.has(request.rawHeaders[i].toLowerCase())) headers.push(request.rawHeaders[i], request.rawHeaders[i + 1]);
    }
    const body = request.method === 'GET' || request.method === 'HEAD' ? null : request;
    pool.dispatch({ method: request.method, path: request.url, headers, body }, new Forward(response));
  })
  .listen(Number(process.env.PORT), '127.0.0.1');

// Stands between the clients and a node, and holds every answer against the public schema: HTTP, batches and
// WebSocket. What passes is what the node sent, byte for byte.
import { createServer, request } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';
import { isDeviation } from './schema.mjs';

/** What was checked, and what was wrong. */
export class Verdict {
  /** Answers by method that the schema knows. */
  checked = new Map();
  /** Answers by method that it does not know. */
  unknown = new Map();
  errors = 0;
  complaints = [];

  constructor(validators) {
    this.validators = validators;
  }

  /** Holds one answer against what the request asked. */
  check(asked, answer) {
    const fail = (why) =>
      this.complaints.push(`${asked?.method}: ${why}: ${JSON.stringify(asked?.params)?.slice(0, 300)} -> ${JSON.stringify(answer).slice(0, 600)}`);
    if (answer.jsonrpc !== '2.0' || 'result' in answer === 'error' in answer) return fail('is no answer of JSON-RPC 2.0');
    if (answer.error) {
      this.errors += 1;
      const { code, message } = answer.error;
      if (!Number.isInteger(code) || typeof message !== 'string' || message === '') return fail('error without code and message');
      if (code === -32603) return fail('blames the node');
      return undefined;
    }
    const validate = this.validators?.get(asked?.method);
    const counter = validate ? this.checked : this.unknown;
    counter.set(asked?.method, (counter.get(asked?.method) ?? 0) + 1);
    const why = validate?.(answer.result);
    if (why && !isDeviation(asked.method, answer.result)) fail(why);
    return undefined;
  }

  /** What was checked, in words; every complaint. */
  report() {
    const total = (counts) => [...counts.values()].reduce((sum, count) => sum + count, 0);
    const names = (counts) => [...counts.keys()].sort().join(' ');
    return [
      `schema: ${total(this.checked)} results of ${this.checked.size} methods hold against it (${names(this.checked)})`,
      `schema: ${total(this.unknown)} results of methods that it does not have (${names(this.unknown)}), ${this.errors} errors`,
      ...this.complaints.slice(0, 50),
      `schema: ${this.complaints.length} complaints`,
    ].join('\n');
  }

  /** Holds a whole body against the request's. */
  exchange(asked, answered) {
    const requests = new Map([asked].flat().map((one) => [JSON.stringify(one.id), one]));
    for (const answer of [answered].flat()) this.check(requests.get(JSON.stringify(answer.id)), answer);
    const wanted = [asked].flat().filter(({ id }) => id !== undefined).length;
    if (Array.isArray(asked) && [answered].flat().length !== wanted) this.complaints.push(`batch of ${wanted} got ${[answered].flat().length} answers`);
  }
}

const parsed = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const collect = async (stream) => {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
};

/** Starts a proxy of `target` (http) on a free port; gives its URLs and a way to stop it. */
export async function startProxy(target, verdict) {
  const upstream = new URL(target);
  const server = createServer(async (incoming, outgoing) => {
    const body = await collect(incoming);
    const headers = { ...incoming.headers, host: upstream.host, connection: 'close', 'content-length': body.length };
    delete headers['transfer-encoding'];
    const options = { method: incoming.method, headers, path: incoming.url, agent: false };
    const forwarded = request(upstream, options, async (answer) => {
      const text = await collect(answer);
      const [asked, answered] = [parsed(body.toString()), parsed(text.toString())];
      if (asked && answered && answer.statusCode === 200) verdict.exchange(asked, answered);
      const { connection, ...kept } = answer.headers;
      outgoing.writeHead(answer.statusCode, kept);
      outgoing.end(text);
    });
    forwarded.on('error', () => outgoing.destroy());
    forwarded.end(body);
  });
  // No client of a node meets a connection that closes under it after seconds of rest.
  server.keepAliveTimeout = 120_000;
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  sockets.on('connection', (client) => relay(client, upstream, verdict));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  const stop = () => {
    for (const client of sockets.clients) client.terminate();
    sockets.close();
    server.closeAllConnections();
    server.close();
  };
  return { http: `http://127.0.0.1:${port}`, ws: `ws://127.0.0.1:${port}`, stop };
}

/** One WebSocket connection in both directions. */
function relay(client, upstream, verdict) {
  const node = new WebSocket(`ws://${upstream.host}`, { perMessageDeflate: false });
  const asked = new Map();
  const early = [];
  client.on('message', (data) => {
    const text = data.toString();
    for (const one of [parsed(text) ?? []].flat()) asked.set(JSON.stringify(one.id), one);
    if (node.readyState === WebSocket.OPEN) node.send(text);
    else early.push(text);
  });
  node.on('open', () => early.splice(0).forEach((text) => node.send(text)));
  node.on('message', (data) => {
    const text = data.toString();
    for (const one of [parsed(text) ?? []].flat()) {
      if (one.method === undefined) verdict.check(asked.get(JSON.stringify(one.id)), one);
    }
    client.send(text);
  });
  client.on('close', () => node.close());
  node.on('close', () => client.close());
  for (const end of [client, node]) end.on('error', () => {});
}

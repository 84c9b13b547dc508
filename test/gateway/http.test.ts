import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createMcp } from '../../lib/mcpClient/index.js';
import { ConfigError } from '../../services/common/config/config.js';
import { startGateway } from '../../services/mcp-gateway/gateway.js';
import { Memory } from './memory.js';

const listTools = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} };
const allowedOrigin = 'https://app.example.com';

let memory: Memory;

beforeAll(async () => {
  memory = await Memory.start({ GATEWAY_ALLOWED_ORIGINS: `${allowedOrigin}, http://other.example:8080` });
});
afterAll(() => memory.stop());

function post(headers: Record<string, string>, body: unknown = listTools): Promise<Response> {
  return fetch(`${memory.origin}/mcp`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

async function errorOf(response: Response): Promise<string> {
  const body = (await response.json()) as { error: { message: string } };
  return body.error.message;
}

describe('who may call', () => {
  test.each([
    ['no key', {}, /^the API key is missing; expected Authorization: Bearer <key> or x-api-key: <key>$/],
    ['a wrong key', { authorization: 'Bearer nope' }, /^the API key is wrong/],
    ['a wrong x-api-key', { 'x-api-key': 'nope' }, /^the API key is wrong/],
    ['another scheme', { authorization: 'Basic dGVzdA==' }, /^the API key is missing/],
    ['an empty key', { 'x-api-key': '' }, /^the API key is wrong/],
  ])('%s is refused', async (_, headers, message) => {
    const response = await post(headers);
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    expect(await errorOf(response)).toMatch(message);
  });

  test.each([
    ['bearer', () => ({ authorization: `Bearer ${memory.apiKey}` })],
    ['x-api-key', () => ({ 'x-api-key': memory.apiKey })],
    ['a front end on loopback', () => ({ 'x-api-key': memory.apiKey, origin: 'http://localhost:5173' })],
    ['a listed front end', () => ({ 'x-api-key': memory.apiKey, origin: allowedOrigin })],
  ])('%s is let in', async (_, headers) => {
    expect((await post(headers())).status).toBe(200);
  });

  test.each([
    'https://evil.example',
    'https://app.example.com.evil.example',
    'http://app.example.com',
    'null',
  ])('a page of %s is refused even with the key', async (origin) => {
    const response = await post({ 'x-api-key': memory.apiKey, origin });
    expect(response.status).toBe(403);
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
    expect(await errorOf(response)).toMatch(
      /^Origin: .* is not accepted; expected loopback or one of GATEWAY_ALLOWED/,
    );
  });

  test('a foreign Host (DNS rebinding) is refused', async () => {
    const { port } = memory.gateway;
    const headers = { host: 'evil.example', 'x-api-key': memory.apiKey };
    const request = httpRequest({ host: '127.0.0.1', port, path: '/mcp', method: 'POST', headers });
    request.end();
    const [response] = (await once(request, 'response')) as [{ statusCode: number; resume(): void }];
    response.resume();
    expect(response.statusCode).toBe(403);
  });

  test('a browser may ask first and read the answer', async () => {
    const preflight = await fetch(`${memory.origin}/mcp`, {
      method: 'OPTIONS',
      headers: {
        origin: allowedOrigin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,mcp-protocol-version',
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe(allowedOrigin);
    expect(preflight.headers.get('access-control-allow-headers')).toMatch(/authorization/);
    const answer = await post({ 'x-api-key': memory.apiKey, origin: allowedOrigin });
    expect(answer.headers.get('access-control-allow-origin')).toBe(allowedOrigin);
  });
});

describe('what may be sent', () => {
  const put = (text: string) => ({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'memory.put', arguments: { episodeBlob: text } },
  });

  test('what is too large is refused, announced or not', async () => {
    const key = { 'x-api-key': memory.apiKey };
    const { port } = memory.gateway;
    // Only the header is sent: a body that is still on its way when the answer comes would race with it.
    const announced = httpRequest({
      host: '127.0.0.1',
      port,
      path: '/mcp',
      method: 'POST',
      headers: { ...key, 'content-type': 'application/json', 'content-length': 100 * 1024 * 1024 },
    });
    announced.on('error', () => undefined);
    announced.flushHeaders();
    const [sized] = (await once(announced, 'response')) as [IncomingMessage];
    expect(sized.statusCode).toBe(413);
    expect(await text(sized)).toMatch(/the request has 104857600 bytes; expected at most 16777216/);
    announced.destroy();

    const headers = { ...key, 'content-type': 'application/json' };
    const request = httpRequest({ host: '127.0.0.1', port, path: '/mcp', method: 'POST', headers });
    request.on('error', () => undefined);
    // One byte too many, and then nothing, for the same reason.
    request.write(Buffer.alloc(16 * 1024 * 1024 + 1, 'x'));
    const [response] = (await once(request, 'response')) as [{ statusCode: number; resume(): void }];
    response.resume();
    expect(response.statusCode).toBe(413);
    request.destroy();
  });

  test('5 MB are accepted', async () => {
    const response = await post({ 'x-api-key': memory.apiKey }, put('green tea '.repeat(500_000)));
    expect(response.status).toBe(200);
  });

  test.each([
    ['half a document', '{"jsonrpc":', 400],
    ['another content type', listTools, 415],
  ])('%s', async (_, body, status) => {
    const type = status === 415 ? { 'content-type': 'text/plain' } : {};
    expect((await post({ 'x-api-key': memory.apiKey, ...type }, body)).status).toBe(status);
  });

  test('other paths and methods', async () => {
    expect((await fetch(`${memory.origin}/`)).status).toBe(404);
    expect((await fetch(`${memory.origin}/mcp`, { headers: { 'x-api-key': memory.apiKey } })).status).toBe(
      405,
    );
    expect((await fetch(`${memory.origin}/livez`)).status).toBe(200);
  });
});

describe('both protocol eras', () => {
  test.each(['legacy', 'auto'] as const)('a %s client sees the tools and calls one', async (mode) => {
    const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode } });
    const requestInit = { headers: { authorization: `Bearer ${memory.apiKey}` } };
    await client.connect(new StreamableHTTPClientTransport(new URL(`${memory.origin}/mcp`), { requestInit }));
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual([
      'memory.put',
      'memory.get',
      'memory.recall',
      'memory.forget',
      'memory.sleep',
      'memory.prune',
      'memory.kcl_status',
    ]);
    for (const { inputSchema, outputSchema, description, annotations } of tools) {
      expect(inputSchema).toMatchObject({ type: 'object', additionalProperties: false });
      expect(outputSchema).toMatchObject({ type: 'object' });
      expect(description).toMatch(/\w/);
      expect(annotations).toMatchObject({ openWorldHint: false });
    }
    // After listTools the client checks the result against the output schema.
    const result = await client.callTool({
      name: 'memory.put',
      arguments: { episodeBlob: `tea for ${mode}` },
    });
    expect(result).toMatchObject({
      structuredContent: { track: 'stable' },
      _meta: { 'tori/track': 'stable' },
    });
    expect(result.content).toEqual([{ type: 'text', text: JSON.stringify(result.structuredContent) }]);
    const refused = await client.callTool({ name: 'memory.get', arguments: { id: 'nowhere' } });
    expect(refused).toMatchObject({
      isError: true,
      content: [{ type: 'text', text: 'NOT_FOUND: id: "nowhere" is not stored for tenant "default"' }],
      _meta: { 'tori/code': 'NOT_FOUND' },
    });
    await client.close();
  });
});

describe('readiness', () => {
  test('without a table the gateway lives and is not ready; with one it is', async () => {
    const starting = await Memory.start({ SHARD_TABLE_FILE: `${memory.tableFile}.later` });
    expect(await starting.readiness()).toEqual({ status: 503, ready: false });
    expect((await fetch(`${starting.origin}/livez`)).status).toBe(200);
    await starting.stop();
    expect(await memory.readiness()).toEqual({ status: 200, ready: true, epoch: 1 });
  });

  test('a broken table leaves the last one in force', async () => {
    await memory.writeTable('{"epoch": 99');
    await pause(50);
    expect(await memory.readiness()).toMatchObject({ ready: true, epoch: 1 });
  });

  test('a drain answers what is open, and a client outlasts the restart', async () => {
    const restarting = await Memory.start();
    const url = `${restarting.origin}/mcp`;
    const mcp = createMcp({ url, apiKey: restarting.apiKey });
    await mcp('memory.put', { episodeBlob: 'green tea', id: 'first' });
    const open = Promise.all(
      Array.from({ length: 20 }, (_, k) =>
        mcp('memory.put', { episodeBlob: `green tea ${k}`, id: `open-${k}` }),
      ),
    );
    await restarting.restartGateway();
    for (const { episodeId } of await open) {
      expect((await mcp('memory.get', { id: episodeId })).id).toBe(episodeId);
    }
    await mcp.close();
    await restarting.stop();
  });
});

describe('a wrong configuration ends in one line that names the variable', () => {
  test.each([
    [{ GATEWAY_PORT: '70000' }, /^GATEWAY_PORT = "70000": /],
    [{ API_KEY_FILE: '/no/such/file' }, /^API_KEY_FILE = "\/no\/such\/file": the file cannot be read/],
    [{ SHARD_TABLE_FILE: undefined }, /^SHARD_TABLE_FILE is not set: /],
    [
      { GATEWAY_ALLOWED_ORIGINS: 'app.example.com' },
      /^GATEWAY_ALLOWED_ORIGINS = "app.example.com": expected origins such as/,
    ],
    [{ GATEWAY_VERIFY_SHARE: '2' }, /^GATEWAY_VERIFY_SHARE = "2": /],
    [{ LOG_LEVEL: 'loud' }, /^LOG_LEVEL = "loud": /],
  ])('%j', async (change, message) => {
    const start = startGateway({ ...memory.env, ...change });
    await expect(start).rejects.toThrow(ConfigError);
    await expect(start).rejects.toThrow(message);
  });

  test('a port that is taken', async () => {
    const start = startGateway({ ...memory.env, GATEWAY_PORT: String(memory.gateway.port) });
    await expect(start).rejects.toThrow(
      /^GATEWAY_PORT = "\d+": cannot listen there .*; expected a free port/,
    );
  });
});

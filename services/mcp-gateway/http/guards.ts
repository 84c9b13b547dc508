import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  validateHostHeader,
  validateOriginHeader,
} from '@modelcontextprotocol/server';
import { secretMatcher } from '../../common/server/authentication.js';
import { maxRequestBytes } from '../mcp.js';

/** A refusal of a request before it reaches the tools. */
export interface Refusal {
  readonly status: number;
  readonly message: string;
  /** When it may be tried again. */
  readonly retryAfterSeconds?: number;
}

/** Says why a request may not go on, or undefined. */
export type Guard = (request: IncomingMessage) => Refusal | undefined;

/**
 * Guards a loopback endpoint against DNS rebinding: a page of another site can make a browser send requests here, but under
 * that site's name. On another address the name that clients use is not known, and the key alone guards.
 */
export function hostGuard(boundTo: string): Guard {
  const isLoopback = ['127.0.0.1', '::1', 'localhost'].includes(boundTo);
  if (!isLoopback) return () => undefined;
  return ({ headers }) => {
    if (validateHostHeader(headers.host, localhostAllowedHostnames()).ok) return undefined;
    return {
      status: 403,
      message: `Host: ${JSON.stringify(headers.host)} is not accepted; expected a loopback name`,
    };
  };
}

/** Lets pages of loopback and of the listed origins in; requests without an Origin come from no page. */
export function originGuard(allowedOrigins: readonly string[]): Guard {
  const allowed = new Set(allowedOrigins.map((url) => new URL(url).origin));
  return ({ headers: { origin } }) => {
    if (origin === undefined || allowed.has(origin)) return undefined;
    if (validateOriginHeader(origin, localhostAllowedOrigins()).ok) return undefined;
    const message = `Origin: ${JSON.stringify(origin)} is not accepted; expected loopback or one of GATEWAY_ALLOWED_ORIGINS`;
    return { status: 403, message };
  };
}

/** Asks for the API key, as `Authorization: Bearer` or `x-api-key`. */
export function keyGuard(apiKey: string): Guard {
  const matches = secretMatcher(apiKey);
  return ({ headers }) => {
    const bearer = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
    if (matches(bearer ?? String(headers['x-api-key'] ?? ''))) return undefined;
    const given = bearer === undefined && headers['x-api-key'] === undefined ? 'missing' : 'wrong';
    return {
      status: 401,
      message: `the API key is ${given}; expected Authorization: Bearer <key> or x-api-key: <key>`,
    };
  };
}

/** Refuses a body that says it is too large before a byte of it is read; the handler stops one that does not say. */
export const sizeGuard: Guard = ({ headers }) => {
  if (Number(headers['content-length'] ?? 0) <= maxRequestBytes) return undefined;
  return {
    status: 413,
    message: `the request has ${headers['content-length']} bytes; expected at most ${maxRequestBytes}`,
  };
};

/** Writes a refusal as a JSON-RPC error without an id. */
export function refuse(response: ServerResponse, { status, message, retryAfterSeconds }: Refusal): void {
  const body = { jsonrpc: '2.0', error: { code: -32_000, message }, id: null };
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(status === 401 && { 'www-authenticate': 'Bearer' }),
    ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
  });
  response.end(`${JSON.stringify(body)}\n`);
}

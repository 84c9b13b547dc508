import { ApiError, ProtocolError, type Status } from './errors.js';
import type { KubeObject } from './objects.js';

/** What a watch tells. A bookmark says only how far it has come. */
export type WatchEvent<T extends KubeObject> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

const newline = 0x0a;

/** Lines of a stream of bytes; the last one may lack its end. */
export async function* lines(chunks: AsyncIterable<Buffer>): AsyncGenerator<string, void> {
  let pending: Buffer[] = [];
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const part = chunk.subarray(start, end);
      const line = pending.length === 0 ? part : Buffer.concat([...pending, part]);
      pending = [];
      start = end + 1;
      if (line.length > 0) yield line.toString('utf8');
    }
    if (start < chunk.length) pending.push(chunk.subarray(start));
  }
  if (pending.length > 0) yield Buffer.concat(pending).toString('utf8');
}

/**
 * Reads one line of a watch.
 * @param request names the watch in errors
 * @throws ApiError when the server ends the watch with a reason, ProtocolError when the line makes no sense
 */
export function parseWatchEvent<T extends KubeObject>(line: string, request: string): WatchEvent<T> {
  const { type, object } = parse(line, request);
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { type, object: object as T };
    case 'BOOKMARK':
      return { type, resourceVersion: versionOf(object, request) };
    case 'ERROR':
      throw watchError(object, request);
    default:
      throw new ProtocolError(`${request}: unknown event ${JSON.stringify(type)}`);
  }
}

function parse(line: string, request: string): { type: unknown; object: object } {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch (cause) {
    throw new ProtocolError(`${request}: an event is not JSON`, { cause });
  }
  if (typeof event === 'object' && event !== null && 'type' in event && 'object' in event) {
    const { type, object } = event;
    if (typeof object === 'object' && object !== null) return { type, object };
  }
  throw new ProtocolError(`${request}: an event lacks type or object`);
}

function versionOf(object: object, request: string): string {
  const { metadata } = object as Partial<KubeObject>;
  if (typeof metadata?.resourceVersion === 'string') return metadata.resourceVersion;
  throw new ProtocolError(`${request}: an object lacks metadata.resourceVersion`);
}

function watchError(status: Status, request: string): ApiError {
  const seconds = status.details?.retryAfterSeconds;
  return new ApiError(status.code ?? 500, status, {
    request,
    retryAfterMs: seconds === undefined ? undefined : seconds * 1_000,
  });
}

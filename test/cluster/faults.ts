import { seededRandom } from '../../services/common/network/random.js';

/** What a fault proxy does to a request instead of passing it on. */
export type Fault =
  /** Answers with a Status of this code. The API server never sees the request. */
  | {
      readonly kind: 'status';
      readonly code: 409 | 410 | 429 | 500 | 503;
      readonly retryAfterSeconds?: number;
    }
  /** Gives no answer for a while, then hangs up. The API server never sees the request. */
  | { readonly kind: 'timeout'; readonly ms: number }
  /** Hangs up before the API server sees the request. */
  | { readonly kind: 'cut-request' }
  /** Hangs up when the API server has done what was asked. */
  | { readonly kind: 'cut-answer' }
  /** Watches: passes the answer's head and so many bytes on, then hangs up, in the middle of a line as may be. */
  | { readonly kind: 'cut-stream'; readonly bytes: number }
  /** Watches: passes the answer's head and so many bytes on, then nothing more, with the connection open. */
  | { readonly kind: 'stall-stream'; readonly bytes: number }
  /** Watches: an ERROR event with this code, as the API server sends when it has forgotten a resource version. */
  | { readonly kind: 'error-event'; readonly code: 410 | 500 }
  /** Watches: a line that is no JSON. */
  | { readonly kind: 'garbage' };

/** What a fault may look at. */
export interface ProxiedRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly watch: boolean;
}

/** Decides what happens to a request; undefined: it is passed on. */
export type FaultPlan = (request: ProxiedRequest) => Fault | undefined;

/** How often the random plan strikes. */
export interface ChaosOptions {
  readonly seed: number;
  /** Share of requests that are struck, in [0, 1]. */
  readonly rate: number;
  /** How long requests hang that are not answered, in milliseconds. */
  readonly timeoutMs?: number;
}

/** Strikes at random, the same way for the same seed and order of requests. */
export function chaos({ seed, rate, timeoutMs = 1_000 }: ChaosOptions): FaultPlan {
  const random = seededRandom(seed);
  const pick = <T>(choices: readonly T[]): T | undefined => choices[Math.floor(random() * choices.length)];
  const anywhere: readonly Fault[] = [
    { kind: 'status', code: 429, retryAfterSeconds: 1 },
    { kind: 'status', code: 500 },
    { kind: 'status', code: 503 },
    { kind: 'timeout', ms: timeoutMs },
    { kind: 'cut-request' },
    { kind: 'cut-answer' },
  ];
  return ({ method, watch }) => {
    if (random() >= rate) return undefined;
    const bytes = Math.floor(random() * 4_096);
    if (watch) {
      return pick([
        ...anywhere,
        { kind: 'status', code: 410 },
        { kind: 'error-event', code: 410 },
        { kind: 'error-event', code: 500 },
        { kind: 'cut-stream', bytes },
        { kind: 'stall-stream', bytes },
        { kind: 'garbage' },
      ]);
    }
    return pick(method === 'GET' ? anywhere : [...anywhere, { kind: 'status', code: 409 }]);
  };
}

/** Strikes requests that match, so many times. */
export function strike(
  fault: Fault,
  times: number,
  matches: (request: ProxiedRequest) => boolean,
): FaultPlan {
  let left = times;
  return (request) => {
    if (left <= 0 || !matches(request)) return undefined;
    left--;
    return fault;
  };
}

import { createHash, timingSafeEqual } from 'node:crypto';
import type { Metadata } from '@grpc/grpc-js';
import { ServiceError } from '../errors.js';

/** Throws UNAUTHENTICATED unless the call may go on. */
export type Authenticator = (metadata: Metadata) => void;

/** Accepts calls that carry `authorization: Bearer <token>`; compares in constant time. */
export function bearerToken(token: string): Authenticator {
  const matches = secretMatcher(`Bearer ${token}`);
  return (metadata) => {
    if (!matches(metadata.get('authorization')[0]?.toString() ?? '')) {
      throw new ServiceError('UNAUTHENTICATED', 'authorization: the internal token is missing or wrong');
    }
  };
}

/** Compares with a secret in constant time, whatever the length of what is given. */
export function secretMatcher(secret: string): (given: string) => boolean {
  const expected = digest(secret);
  return (given) => timingSafeEqual(digest(given), expected);
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

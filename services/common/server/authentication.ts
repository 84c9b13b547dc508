import { createHash, timingSafeEqual } from 'node:crypto';
import type { Metadata } from '@grpc/grpc-js';
import { ServiceError } from '../errors.js';

/** Throws UNAUTHENTICATED unless the call may go on. */
export type Authenticator = (metadata: Metadata) => void;

/** Accepts calls that carry `authorization: Bearer <token>`; compares in constant time. */
export function bearerToken(token: string): Authenticator {
  const expected = digest(`Bearer ${token}`);
  return (metadata) => {
    const given = metadata.get('authorization')[0]?.toString() ?? '';
    if (!timingSafeEqual(digest(given), expected)) {
      throw new ServiceError('UNAUTHENTICATED', 'authorization: the internal token is missing or wrong');
    }
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

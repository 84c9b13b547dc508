import { invalidArgument } from './errors.js';

/** The tenant of a request that names none. */
export const defaultTenant = 'default';

const pattern = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Resolves a request's tenant: empty means `default`. Throws INVALID_ARGUMENT for a name outside the pattern. */
export function tenantOf(request: { readonly tenant: string }): string {
  const tenant = request.tenant === '' ? defaultTenant : request.tenant;
  if (!pattern.test(tenant)) {
    throw invalidArgument(
      'tenant',
      tenant,
      '1 to 63 characters of a-z, 0-9 and "-", with a letter or digit at both ends',
    );
  }
  return tenant;
}

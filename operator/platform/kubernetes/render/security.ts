import type { PodSecurityContext, SecurityContext } from './shapes.js';

/** The user that every image of ours has; files of volumes get its group. */
const user = 65_532;

/** What the pod security level "restricted" asks of a pod. */
export const podSecurity: PodSecurityContext = {
  runAsNonRoot: true,
  runAsUser: user,
  runAsGroup: user,
  fsGroup: user,
  // Without it every start would walk through all files of the volume.
  fsGroupChangePolicy: 'OnRootMismatch',
  seccompProfile: { type: 'RuntimeDefault' },
};

/** What the pod security level "restricted" asks of a container, and a root file system that cannot be written. */
export const containerSecurity: SecurityContext = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
};

/** The group may read mounted secrets, because a projected file belongs to root. */
export const secretMode = 0o440;

import type { Kind, Stored } from '../resources/access.js';
import { line, type Terminal } from '../terminal.js';

/** Marks that GitOps controllers leave on what they apply. */
const marks: readonly [key: string, controller: string][] = [
  ['kustomize.toolkit.fluxcd.io/name', 'Flux'],
  ['helm.toolkit.fluxcd.io/name', 'Flux'],
  ['argocd.argoproj.io/tracking-id', 'Argo CD'],
  ['argocd.argoproj.io/instance', 'Argo CD'],
];

/** Warns that a change of spec on the cluster alone will not last. */
export function warnOfGit<K extends Kind>(resource: Stored<K>, { stderr }: Pick<Terminal, 'stderr'>): void {
  const { labels = {}, annotations = {}, name } = resource.metadata;
  const found = marks.find(([key]) => key in labels || key in annotations);
  if (found === undefined) return;
  line(
    stderr,
    `warning: ${name} is applied by ${found[1]}, which will undo this; commit the patch that --dry-run prints`,
  );
}

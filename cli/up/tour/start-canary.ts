import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import writeFileAtomic from 'write-file-atomic';
import { currentCluster } from '../follow.js';
import type { TourContext } from './context.js';

/** Where in a MemoryCluster the change is made. */
const path = ['spec', 'services', 'koopman', 'parameters', 'kclL1Strength'];

/** Edits the cluster's file as a person would: one parameter changes, so the operator starts a canary. */
export function startCanary({ store, home, say }: TourContext): void {
  const cluster = currentCluster(store);
  const file = cluster && store.fileOf(cluster);
  if (file === undefined) return;
  const document = parseDocument(readFileSync(join(home.resources, file), 'utf8'));
  const before: unknown = document.getIn(path);
  const after = before === 0.2 ? 0.1 : 0.2;
  document.setIn(path, after);
  say.step(`Canary: ${path.slice(1).join('.')} becomes ${after} in ${join(home.resources, file)}`);
  say.fact('Every change of the spec starts on its own copy of the services with a small share of the keys.');
  writeFileAtomic.sync(join(home.resources, file), document.toString());
}

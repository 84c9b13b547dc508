import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crdFiles, crdTemplates } from './crd-files.js';

/** Writes every CRD into crds/, the Helm chart and the plain manifests; run by `npm run gen:crds` from dist/. */
const root = fileURLToPath(new URL('../../../', import.meta.url));
write('crds', crdFiles());
write('helm/tori-memory/templates/crds', crdTemplates());
write('deploy/kubernetes/base', new Map([['crds.yaml', [...crdFiles().values()].join('---\n')]]));

function write(path: string, files: ReadonlyMap<string, string>): void {
  const folder = join(root, path);
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of files) writeFileSync(join(folder, name), text);
}

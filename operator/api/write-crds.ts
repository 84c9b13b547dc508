import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { crdFiles } from './crd-files.js';

/** Writes every CRD into crds/; run by `npm run gen:crds` from dist/. */
const folder = fileURLToPath(new URL('../../../crds', import.meta.url));
mkdirSync(folder, { recursive: true });
for (const [name, text] of crdFiles()) writeFileSync(join(folder, name), text);

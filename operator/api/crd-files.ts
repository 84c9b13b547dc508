import { stringify } from 'yaml';
import { crdOf } from './crd.js';
import { definitions } from './definitions.js';
import { group } from './resource.js';

/** File name and YAML text of every CRD. */
export function crdFiles(): Map<string, string> {
  return new Map(
    definitions.map((definition) => [
      `${group}_${definition.plural}.yaml`,
      `# Generated from operator/api by \`npm run gen:crds\`; do not edit.\n${stringify(crdOf(definition), { aliasDuplicateObjects: false, lineWidth: 120 })}`,
    ]),
  );
}

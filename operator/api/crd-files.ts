import { stringify } from 'yaml';
import { crdOf } from './crd.js';
import { definitions } from './definitions.js';
import { group } from './resource.js';

/** kubectl reads YAML 1.1, in which a bare `Off` is a boolean: such texts are printed in quotes. */
const format = { version: '1.1', aliasDuplicateObjects: false, lineWidth: 120 } as const;

/** File name and YAML text of every CRD. */
export function crdFiles(): Map<string, string> {
  return new Map(
    definitions.map((definition) => [
      `${group}_${definition.plural}.yaml`,
      `# Generated from operator/api by \`npm run gen:crds\`; do not edit.\n${stringify(crdOf(definition), format)}`,
    ]),
  );
}

/** The same CRDs as templates of the Helm chart, which can leave them out and can keep them past an uninstall. */
export function crdTemplates(): Map<string, string> {
  return new Map([...crdFiles()].map(([name, text]) => [name, templateOf(text)]));
}

function templateOf(crd: string): string {
  const literal = crd.replaceAll('{{', '{{ "{{" }}');
  const keep = `metadata:
  {{- if .Values.crds.keep }}
  annotations:
    helm.sh/resource-policy: keep
  {{- end }}
`;
  return `{{- if .Values.crds.install }}\n${literal.replace('metadata:\n', keep)}{{- end }}\n`;
}

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { stringify } from 'yaml';
import { everyExample } from '../../../../test/kubernetes/rendered.js';

const golden = (name: string) => new URL(`goldens/${name}.golden.yaml`, import.meta.url);
const format = { version: '1.1', lineWidth: 120, aliasDuplicateObjects: false } as const;

test.each(everyExample)(
  '$name is rendered as its golden file says (UPDATE_GOLDENS=1 writes it)',
  ({ name, objects }) => {
    const text = objects()
      .map((object) => stringify(object, format))
      .join('---\n');
    if (process.env['UPDATE_GOLDENS'] === '1' || !existsSync(golden(name))) writeFileSync(golden(name), text);
    expect(readFileSync(golden(name), 'utf8')).toBe(text);
  },
);

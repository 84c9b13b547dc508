import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';

test.each(['mirror.ts', 'main.ts'])('the README shows the example that is compiled: %s', (file) => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const example = readFileSync(new URL(file, import.meta.url), 'utf8');
  expect(readme).toContain(example.replace("'../index.js'", "'tori-memory/runtime'").trim());
});

import { describe, expect, test } from '@jest/globals';
import { parseArguments } from './arguments.js';
import { catalogue } from './catalogue.js';

const concepts = { tea: 1 };

describe('parseArguments', () => {
  test.each([
    ['memory.put', {}, /^episodeBlob: undefined is not accepted; expected exactly one of text, base64/],
    ['memory.put', { episodeBlob: 7 }, /^episodeBlob: 7 is not accepted; expected exactly one of/],
    [
      'memory.put',
      { episodeBlob: { concepts, text: 'tea' } },
      /^episodeBlob.text: unknown; expected no such field/,
    ],
    [
      'memory.put',
      { episodeBlob: { concepts: { tea: -1 } } },
      /^episodeBlob.concepts.tea: -1 is not accepted; expected number to be >0/,
    ],
    [
      'memory.put',
      { episodeBlob: { concepts: { tea: null } } },
      /^episodeBlob.concepts.tea: null is not accepted; expected number$/,
    ],
    [
      'memory.put',
      { episodeBlob: { concepts: JSON.parse('{"__proto__": 1}') as object } },
      /^episodeBlob.concepts.__proto__: 1 is not accepted; expected a name other than __proto__/,
    ],
    ['memory.put', { episodeBlob: 'tea', meta: { a: 1 } }, /^meta.a: 1 is not accepted; expected string/],
    [
      'memory.put',
      { episodeBlob: 'tea', time: 'yesterday' },
      /^time: "yesterday" is not accepted; expected whole milliseconds/,
    ],
    [
      'memory.put',
      { episodeBlob: 'tea', id: '' },
      /^id: "" is not accepted; expected string to have >=1 characters/,
    ],
    ['memory.put', { episodeBlob: 'tea', ids: 'x' }, /^ids: unknown; expected no such field/],
    ['memory.put', [], /^arguments: \[\] is not accepted; expected object/],
    ['memory.recall', { k: 0 }, /^k: 0 is not accepted; expected number to be >=1/],
    ['memory.recall', { cues: [{ text: 'tea' }] }, /^cues.0.id: undefined is not accepted; expected string/],
    [
      'memory.recall',
      { concepts: 'tea' },
      /^concepts: "tea" is not accepted; expected names, or \{name: activation\}/,
    ],
    ['memory.sleep', { once: 'yes' }, /^once: "yes" is not accepted; expected boolean/],
    ['memory.prune', { threshold: 0 }, /^threshold: 0 is not accepted; expected number to be >0/],
    ['memory.get', {}, /^id: undefined is not accepted; expected string/],
  ])('%s of %j', (name, args, message) => {
    const tool = catalogue.find((each) => each.name === name)!;
    expect(() => parseArguments<unknown>(tool.arguments, args)).toThrow(message);
  });
});

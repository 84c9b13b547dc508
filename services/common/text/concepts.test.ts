import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { conceptsOf, maxConcepts, maxTextLength } from './concepts.js';

const names = (text: string): string[] => [...conceptsOf(text).keys()];

describe('conceptsOf', () => {
  test('keeps lemmas of content words and drops glue', () => {
    expect(names('The cats were running quickly through seven of our houses.')).toEqual([
      'cat',
      'run',
      'house',
    ]);
  });

  test('gives a word the same lemma in a cue as in a sentence', () => {
    const inSentence = names('She bought several better computers for the children.');
    for (const word of ['bought', 'better', 'computers', 'children']) {
      expect(inSentence).toContain(names(word)[0]);
    }
  });

  test('drops contractions, and takes possessives and elisions apart', () => {
    expect(names("I don't think we'll see it; it's gone")).toEqual(['think']);
    expect(names('Ireland’s harbour, l’hommage')).toEqual(['ireland', 'harbor', 'hommage']);
  });

  test('drops URLs, addresses, encoded data, numbers and hashes', () => {
    const encoded = Buffer.from('attachment '.repeat(20)).toString('base64');
    const text = `budget https://example.org/secret?x=1 www.example.net/y bob@mail.example ${encoded} 3.14 1999 d03e543c36 mp3`;
    expect(names(text)).toEqual(['budget', 'mp3']);
  });

  test('splits a run without spaces however long', () => {
    expect(names('東京大学'.repeat(20_000))).toEqual(expect.arrayContaining(['東京', '大学']));
  });

  test('keeps the words of a sentence without spaces around a URL', () => {
    expect(names('请访问https://example.org/路径谢谢')).toEqual(['访问', '路径', '谢谢']);
  });

  test.each([
    ['German', 'Der Hund läuft über die Straße', ['hund', 'läuft', 'straße']],
    ['Russian', 'Кошка сидит на столе', ['кошка', 'сидит', 'столе']],
    ['Japanese', '東京は大きい都市です', ['東京', '都市']],
    ['Thai', 'แมวนั่งบนโต๊ะ', ['แมว', 'โต๊ะ']],
    ['Arabic', 'القطة تجلس على الطاولة', ['القطة', 'الطاولة']],
  ])('finds the words of %s text', (_language, text, expected) => {
    expect(names(text)).toEqual(expect.arrayContaining(expected));
  });

  test('writes one form of what Unicode writes in several', () => {
    expect(names('Ｃａｆｅ\u0301')).toEqual(names('café'));
  });

  test('weighs by saturated frequency, and the title twice', () => {
    const weights = conceptsOf('Budget\nThe printer. The printer again. The garden.');
    expect(weights.get('budget')).toBeCloseTo(2 / 3.2, 12);
    expect(weights.get('printer')).toBeCloseTo(2 / 3.2, 12);
    expect(weights.get('garden')).toBeCloseTo(1 / 2.2, 12);
  });

  test('keeps the heaviest when there are too many', () => {
    const letters = 'abcdefghijklmnopqrstuvwxyz';
    const rare = Array.from(letters, (a) => Array.from(letters, (b) => `zq${a}${b}`)).flat();
    const found = conceptsOf(`start ${rare.join(' ')} zebra zebra`);
    expect(found.size).toBe(maxConcepts);
    expect([...found.keys()][0]).toBe('zebra');
  });

  test('reads no more than the start of an endless text', () => {
    expect(names(`${'printer '.repeat(maxTextLength / 8)} garden`)).toEqual(['printer']);
  });

  test('property: any text gives few, short names with weights between 0 and 1, heaviest first, always the same', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 400 }), (text) => {
        const found = [...conceptsOf(text)];
        for (const [name, weight] of found) {
          expect(name.length).toBeGreaterThanOrEqual(2);
          expect(name.length).toBeLessThanOrEqual(40);
          expect(weight).toBeGreaterThan(0);
          expect(weight).toBeLessThan(1);
        }
        expect(found.map(([, weight]) => weight)).toEqual(
          found.map(([, weight]) => weight).sort((a, b) => b - a),
        );
        expect([...conceptsOf(text)]).toEqual(found);
      }),
    );
  });

  test('property: a name in lower case is found again as its own concept', () => {
    for (const word of names(
      'Constructor prototype hasOwnProperty toString servers meeting others unsubscribes',
    )) {
      expect(names(word)).toEqual([word]);
    }
  });
});

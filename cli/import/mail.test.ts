import { describe, expect, test } from '@jest/globals';
import type { Broken, ImportedEpisode, Parsed } from './episode.js';
import { parseMail } from './mail.js';

const modified = Date.parse('2024-05-01T10:00:00Z');

async function parse(raw: string | Buffer): Promise<Parsed> {
  const bytes = typeof raw === 'string' ? Buffer.from(raw) : raw;
  return parseMail(bytes, { file: 'box', offset: 7, modified });
}

async function episode(raw: string | Buffer): Promise<ImportedEpisode> {
  const parsed = await parse(raw);
  if ('broken' in parsed) throw new Error(parsed.broken.reason);
  return parsed.episode;
}

async function brokenOf(raw: string): Promise<Broken | undefined> {
  const parsed = await parse(raw);
  return 'broken' in parsed ? parsed.broken : undefined;
}

const names = ({ concepts }: ImportedEpisode): string[] => Object.keys(concepts);

const simple = `From: Ann Lee <ann@example.org>
To: Bob <bob@example.org>, carl@example.org
Subject: Re: Fwd: harvest festival
Date: Tue, 3 Sep 2019 12:30:00 +0200
Message-ID: <abc.1@example.org>

The orchestra plays at noon.
`;

describe('parseMail', () => {
  test('takes id, time, source and labels from the header', async () => {
    expect(await episode(simple)).toMatchObject({
      id: 'abc.1@example.org',
      time: Date.parse('2019-09-03T10:30:00Z'),
      source: 'ann@example.org',
      meta: {
        subject: 'Re: Fwd: harvest festival',
        from: 'Ann Lee <ann@example.org>',
        to: 'Bob <bob@example.org>, carl@example.org',
      },
    });
  });

  test('weighs the subject more than the body, and counts no reply marks', async () => {
    const { concepts } = await episode(simple);
    expect(Object.keys(concepts)).toEqual(['harvest', 'festival', 'orchestra', 'play', 'noon']);
    expect(concepts['harvest']).toBeGreaterThan(concepts['orchestra']!);
  });

  test('leaves out quoted lines, the line above them and the signature', async () => {
    const reply = `Subject: picnic\n\nOn Monday, Ann Lee\nwrote:\n> What about the umbrella?\n\nBring sandwiches.\n-- \nBob, Acme Corporation\n`;
    expect(names(await episode(reply))).toEqual(['picnic', 'bring', 'sandwich']);
  });

  test('keeps quoted lines when there is nothing else', async () => {
    expect(names(await episode('Subject: \n\n> umbrella\n'))).toEqual(['umbrella']);
  });

  test('reads the text of a multipart message, not its attachments', async () => {
    const mail = `Subject: report
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b1"

--b1
Content-Type: multipart/alternative; boundary="b2"

--b2
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

The gl=C3=BChwein stall and a very long=
 lantern parade
--b2
Content-Type: text/html

<p>ignored when there is plain text: giraffe</p>
--b2--
--b1
Content-Type: application/octet-stream; name=x.bin
Content-Disposition: attachment; filename=x.bin
Content-Transfer-Encoding: base64

${Buffer.from('elephant elephant elephant').toString('base64')}
--b1--
`;
    const found = names(await episode(mail));
    expect(found).toEqual(expect.arrayContaining(['report', 'glühwein', 'stall', 'lantern', 'parade']));
    expect(found).not.toContain('elephant');
    expect(found).not.toContain('giraffe');
  });

  test('decodes base64 bodies and RFC 2047 subjects', async () => {
    const body = Buffer.from('Приветствие из библиотеки').toString('base64');
    const mail = `Subject: =?iso-8859-1?Q?caf=E9_?= =?utf-8?B?${Buffer.from('terrasse').toString('base64')}?=
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: base64

${body}
`;
    expect(names(await episode(mail))).toEqual(
      expect.arrayContaining(['café', 'terrasse', 'приветствие', 'библиотеки']),
    );
  });

  test('reads words of HTML without styles, scripts and link targets, a table cell a word', async () => {
    const mail = `Subject: sale
Content-Type: text/html; charset=iso-8859-1

<style>.zebra{}</style><script>var monkey</script><a href="http://x.example/tiger">carpet</a>
<table><tr><td>violin<td>trumpet</table>fianc&eacute;e
`;
    expect(names(await episode(mail))).toEqual(['sale', 'carpet', 'violin', 'trumpet', 'fiancée']);
  });

  test('reads HTML nested beyond any parser', async () => {
    const mail = `Subject: sale\nContent-Type: text/html\n\n${'<div>'.repeat(20_000)}violin`;
    expect(names(await episode(mail))).toContain('sale');
  });

  test.each([
    ['named', 'Content-Type: text/plain; charset=iso-8859-1\n'],
    ['not named', ''],
  ])('reads latin1 bytes whose charset is %s', async (_what, header) => {
    const raw = Buffer.from(`Subject: Gr\xfc\xdfe\n${header}\nna\xefve fa\xe7ade\n`, 'latin1');
    expect(names(await episode(raw))).toEqual(['grüße', 'naïve', 'façade']);
  });

  test('names a message without usable Message-ID by its content', async () => {
    const one = await episode('Subject: kite\n\nkite\n');
    expect(one.id).toMatch(/^[0-9a-f]{64}$/);
    expect((await episode('Subject: kite\n\nkite\n')).id).toBe(one.id);
    expect((await episode('Subject: kite\n\nkites\n')).id).not.toBe(one.id);
    expect((await episode(`Message-ID: <${'x'.repeat(300)}@y>\nSubject: kite\n\nkite\n`)).id).toMatch(
      /^[0-9a-f]{64}$/,
    );
  });

  test.each([
    ['a year of three digits', 'Date: Thu, 22 Aug 102 12:00:00 +0000', '2002-08-22T12:00:00Z'],
    [
      'an impossible date',
      'Date: Thu, 22 Aug 2999 12:00:00 +0000\nReceived: by x; Fri, 23 Aug 2002 12:00:00 +0000',
      '2002-08-23T12:00:00Z',
    ],
    ['no date', 'From: x', '2024-05-01T10:00:00Z'],
    ['nonsense', 'Date: yesterday', '2024-05-01T10:00:00Z'],
  ])('gives a message with %s a time', async (_what, header, expected) => {
    const { time } = await episode(`${header}\nSubject: kite\n\nkite\n`);
    expect(new Date(time)).toEqual(new Date(expected));
  });

  test.each([
    ['empty', '', 'it has no header'],
    ['text', 'hello: world\n\nno header', 'it has no header'],
    ['without words', 'Subject: 123\n\n456\n', 'no words'],
  ])('reports a message that is %s with its place', async (_what, raw, reason) => {
    expect(await brokenOf(raw)).toEqual({ file: 'box', offset: 7, reason: expect.stringContaining(reason) });
  });

  test('survives MIME that is cut anywhere', async () => {
    const whole = `Subject: kite\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Transfer-Encoding: base64\n\na2l0ZQ==\n--b--\n`;
    for (let end = 0; end <= whole.length; end++) {
      const parsed = await parse(whole.slice(0, end));
      expect('episode' in parsed || parsed.broken.reason !== '').toBe(true);
    }
  });
});

import { conceptsOf, maxTextLength } from '../../services/common/text/concepts.js';
import { contentId, label, type Parsed } from './episode.js';
import type { Input } from './input.js';
import { linesOf, type Line } from './lines.js';

/** Plain text is cut at the first empty line after this many characters: about a page, and one matter. */
const pageLength = 2_000;

/** Decides before each line whether a new section begins there. */
type Break = (line: string, section: string) => boolean;

/** Reads Markdown: each heading begins an episode, with the heading as its title. */
export function readMarkdown(input: Input): AsyncGenerator<Parsed> {
  let fenced = false;
  return readSections(input, (line) => {
    if (/^ {0,3}(?:```|~~~)/.test(line)) fenced = !fenced;
    return !fenced && /^ {0,3}#{1,6}\s/.test(line);
  });
}

/** Reads plain text: paragraphs are gathered to episodes of about a page. */
export function readPlainText(input: Input): AsyncGenerator<Parsed> {
  return readSections(input, (line, section) => line.trim() === '' && section.length >= pageLength);
}

/** An episode for each section with words; the id is a hash of its text, the time is the file's. */
async function* readSections(input: Input, begins: Break): AsyncGenerator<Parsed> {
  let found = false;
  for await (const text of sectionsOf(linesOf(input.chunks, maxTextLength), begins)) {
    const concepts = conceptsOf(withoutMarkup(text));
    if (concepts.size === 0) continue;
    found = true;
    const episode = {
      id: contentId(text),
      time: input.modified,
      source: label(input.name),
      meta: { title: titleOf(text) },
      concepts: Object.fromEntries(concepts),
    };
    yield { episode };
  }
  if (!found) yield { broken: { file: input.name, offset: 0, reason: 'the file has no words' } };
}

/** Texts between breaks; a section without any break is cut where {@link conceptsOf} would stop reading. */
async function* sectionsOf(lines: AsyncIterable<Line>, begins: Break): AsyncGenerator<string> {
  let section = '';
  for await (const { text = '' } of lines) {
    if (begins(text, section) || section.length >= maxTextLength) {
      yield section.trim();
      section = '';
    }
    section += `${text}\n`;
  }
  yield section.trim();
}

function titleOf(section: string): string {
  const [firstLine = ''] = section.split('\n', 1);
  return label(firstLine.replace(/^[\s#]+/, '')).slice(0, 200);
}

/** Without targets of links, tags and comments, which name files, not matters. */
function withoutMarkup(text: string): string {
  return text.replace(/\]\([^()\n]{0,1000}\)/g, ']').replace(/<[^<>\n]{1,1000}>/g, ' ');
}

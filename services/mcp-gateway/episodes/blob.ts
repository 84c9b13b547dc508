import { Episode } from '../../../proto/gen/tori/memory/v1/types.js';
import type { EpisodeBlob } from '../../../lib/mcpClient/tools.js';
import { decodeActivations } from '../../common/activations/activations.js';
import { invalidArgument } from '../../common/errors.js';
import { conceptsOf } from '../../common/text/concepts.js';

/** What an `episodeBlob` turned out to be. */
export type ParsedBlob =
  | { readonly kind: 'concepts'; readonly concepts: ReadonlyMap<string, number> }
  | { readonly kind: 'message'; readonly episode: Episode };

const accepted = 'text, base64 of an Episode message, or {"concepts": {name: activation}}';
const base64 = /^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** From this length on, an unbroken run of base64 characters is no word of a text. */
const longestWord = 64;

/**
 * Tells the three kinds of `episodeBlob` apart. A string is a message when it is base64 of an Episode with valid
 * activations; any other string is text, but a long unbroken run of base64 is refused as a broken message.
 * @throws INVALID_ARGUMENT when nothing can be stored of it
 */
export function parseBlob(blob: EpisodeBlob): ParsedBlob {
  if (typeof blob !== 'string') return { kind: 'concepts', concepts: conceptMap(blob.concepts) };
  const text = blob.trim();
  if (base64.test(text)) {
    const episode = decodeMessage(text);
    if (episode !== undefined) return { kind: 'message', episode };
    if (text.length >= longestWord) throw invalidArgument('episodeBlob', text, accepted);
  }
  const concepts = conceptsOf(text);
  if (concepts.size === 0) throw invalidArgument('episodeBlob', blob, 'text with at least one content word');
  return { kind: 'concepts', concepts };
}

/**
 * Concepts of a request as a map.
 * @throws INVALID_ARGUMENT when there is none, or an activation is no finite f32 above 0
 */
export function conceptMap(
  concepts: Readonly<Record<string, number>>,
  field = 'episodeBlob.concepts',
): Map<string, number> {
  const map = new Map(Object.entries(concepts));
  if (map.size === 0) throw invalidArgument(field, '{}', 'at least one concept');
  for (const [name, value] of map) {
    const stored = Math.fround(value);
    if (!(stored > 0) || !Number.isFinite(stored)) {
      throw invalidArgument(
        `${field}.${name}`,
        value,
        'a finite number above 0 within the range of a 32-bit float',
      );
    }
  }
  return map;
}

function decodeMessage(text: string): Episode | undefined {
  try {
    const episode = Episode.decode(Buffer.from(text, 'base64'));
    decodeActivations(episode.activations);
    return episode;
  } catch {
    return undefined;
  }
}

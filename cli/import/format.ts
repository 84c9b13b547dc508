/** What a file can hold. */
export const formats = ['mbox', 'eml', 'markdown', 'text', 'chat-jsonl', 'episodes-jsonl'] as const;
export type Format = (typeof formats)[number];

/** What a status is drawn with. */
export interface View {
  /** Epoch milliseconds. */
  readonly now: number;
  /** All that is known, instead of what a person needs most. */
  readonly wide: boolean;
  /** The command as the person typed it: `tori` or `kubectl tori`. */
  readonly self: string;
}

import pc from 'picocolors';

/** Where `tori up` speaks to people: stdout, or stderr when stdout is for programs. */
export interface Say {
  /** A step that begins. */
  step(text: string): void;
  /** A step that went well. */
  done(text: string): void;
  /** A fact under the last step. */
  fact(text: string): void;
  /** Something that a person should look at; the system goes on. */
  warn(text: string): void;
  /** Text as it is. */
  plain(text: string): void;
}

/** Writes lines to a stream; colours only where the terminal shows them. */
export function sayTo(stream: NodeJS.WritableStream): Say {
  const line = (text: string) => stream.write(`${text}\n`);
  return {
    step: (text) => line(`\n${pc.bold(pc.cyan('▸'))} ${pc.bold(text)}`),
    done: (text) => line(`${pc.green('✔')} ${text}`),
    fact: (text) => line(`  ${text}`),
    warn: (text) => line(`${pc.yellow('!')} ${text}`),
    plain: line,
  };
}

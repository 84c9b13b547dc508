import { run } from '../program.js';
import { processTerminal } from '../terminal.js';
import { kubectlProgram } from './program.js';

process.exitCode = await run(process.argv.slice(2), processTerminal(), kubectlProgram);

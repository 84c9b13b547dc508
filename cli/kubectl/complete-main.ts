import { processTerminal } from '../terminal.js';
import { complete } from './complete.js';

await complete(process.argv.slice(2), processTerminal());

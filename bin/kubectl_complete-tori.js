#!/usr/bin/env node
/** Completes `kubectl tori …` in a shell with the completion of kubectl, which looks for it on the PATH. */
import { start } from './start.js';

await start('cli/kubectl/complete-main.js');

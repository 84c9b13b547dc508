#!/usr/bin/env node
/** The kubectl plugin: npm installs it as `kubectl-tori`, which kubectl finds on the PATH as `kubectl tori`. */
import { start } from './start.js';

await start('cli/kubectl/main.js');

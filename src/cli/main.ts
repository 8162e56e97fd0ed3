#!/usr/bin/env node
import { processTerminal } from './terminal.js';
import { runCli } from './runCli.js';

const exitCode = await runCli(process.argv.slice(2), processTerminal());
// Handles of a library must not keep a finished command alive.
process.exit(exitCode);

#!/usr/bin/env node
/* A command of Helios 0.9.0: core/cli/former-names.ts knows what it does. Plain JavaScript, as the launcher. */
import { basename } from 'path'
import { fileURLToPath } from 'url'

process.argv.splice(2, 0, '--as', basename(fileURLToPath(import.meta.url), '.js'))
import('../helios.js')

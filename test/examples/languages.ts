/** The languages of docs/examples: how a program is put into a home, and how one says what it sees. */
import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { peer } from '../peers.ts'

const EXAMPLES = join(import.meta.dirname, '..', '..', 'docs', 'examples')

export interface Language {
  readonly name: string
  readonly extension: string
  /** The program that must be installed. */
  readonly program: string
  /** The last line of the example, and what stands there in a program that only knows spp/1. */
  readonly worker: string
  readonly once: string
  /**
   * A program that prints X and, when WANTED is set, how many variables it sees whose names begin with `T_`; its last line is
   * `worker`. It keeps bytes as they are, where its language can.
   */
  readonly probe: string
  /** Variables are characters there, not bytes. */
  readonly onlyUtf8?: true
  readonly compiled?: true
}

export const LANGUAGES: readonly Language[] = [
  {
    name: 'sh', extension: 'sh', program: 'sh', worker: '. plugins/spp2.sh; serve main', once: 'main',
    probe: `#!/bin/sh
main() {
  [ "\${X+set}" ] || return
  printf 'HX-Value: %s\\n' "$(printf %s "$X" | od -An -v -tx1 | tr -d ' \\n')"
  echo "HX-Others: $(env | grep -c '^T_')"
  cat
}
`,
  },
  {
    name: 'Python', extension: 'py', program: 'python3', worker: 'import spp2; spp2.serve(main)', once: 'main()',
    probe: `#!/usr/bin/env python3
import os, sys
def main():
    if "X" not in os.environ: sys.exit()
    print("HX-Value: " + os.environb[b"X"].hex())
    print("HX-Others: %d" % sum(name.startswith("T_") for name in os.environ))
    os.system("cat")
`,
  },
  {
    name: 'Perl', extension: 'pl', program: 'perl', worker: `require './plugins/spp2.pl'; serve(\\&main);`, once: 'main();',
    probe: `#!/usr/bin/env perl
sub main {
    my $x = $ENV{X} // return;
    print "HX-Value: ", unpack('H*', $x), "\\n";
    print 'HX-Others: ', scalar(grep { /^T_/ } keys %ENV), "\\n";
    system 'cat';
}
`,
  },
  {
    name: 'PHP', extension: 'php', program: 'php', worker: `require __DIR__ . '/spp2.php'; serve('main');`, once: 'main();',
    probe: `#!/usr/bin/env php
<?php
function main() {
    if (getenv('X') === false) return;
    echo 'HX-Value: ' . bin2hex($_SERVER['X'] === getenv('X') ? getenv('X') : 'differs') . "\\n";
    echo 'HX-Others: ' . count(preg_grep('/^T_/', array_keys(getenv()))) . "\\n";
}
`,
  },
  {
    name: 'Ruby', extension: 'rb', program: 'ruby', worker: `require_relative 'spp2'; serve { main }`, once: 'main',
    probe: `#!/usr/bin/env ruby
def main
  return unless ENV['X']
  puts "HX-Value: #{ENV['X'].unpack1('H*')}"
  puts "HX-Others: #{ENV.keys.grep(/^T_/).size}"
  $stdout.flush
  system 'cat'
end
`,
  },
  {
    name: 'Node', extension: 'mjs', program: 'node', onlyUtf8: true,
    worker: `(await import('./spp2.mjs')).serve(main)`, once: 'await main()',
    probe: `#!/usr/bin/env node
async function main() {
  if (process.env.X === undefined) return
  await new Promise(setImmediate)
  console.log('HX-Value: ' + Buffer.from(process.env.X).toString('hex'))
  console.log('HX-Others: ' + Object.keys(process.env).filter((name) => name.startsWith('T_')).length)
}

`,
  },
  {
    name: 'Go', extension: 'go', program: 'go', compiled: true, worker: 'func main() { serve(answer) }', once: 'func main() { answer() }',
    probe: `package main
import ("fmt"; "os"; "strings")
func answer() {
	x, set := os.LookupEnv("X")
	if !set { return }
	fmt.Printf("HX-Value: %x\\n", x)
	n := 0
	for _, pair := range os.Environ() { if strings.HasPrefix(pair, "T_") { n++ } }
	fmt.Printf("HX-Others: %d\\n", n)
}
`,
  },
]

/** The path of the language's program, or undefined after a loud line. */
export function installed(language: Language): string | undefined {
  return peer(language.program)
}

export function exampleOf(language: Language): string {
  return readFileSync(join(EXAMPLES, `maxrcpts.${language.extension}`), 'utf8')
}

/** Puts a program and the loop of its language into the home's plugins. Returns the line that runs it. */
export function install(home: string, language: Language, name: string, source: string): string {
  const plugins = join(home, 'plugins')
  const file = `${name}.${language.extension}`
  const loop = `spp2.${language.extension}`
  mkdirSync(plugins, { recursive: true })
  copyFileSync(join(EXAMPLES, loop), join(plugins, loop))
  writeFileSync(join(plugins, file), source)
  if (language.compiled !== true) {
    chmodSync(join(plugins, file), 0o755)
    return `plugins/${file}`
  }
  execFileSync(installed(language)!, ['build', '-o', name, file, loop], {
    cwd: plugins, env: { ...process.env, GOCACHE: join(home, '.cache'), GO111MODULE: 'off', GOFLAGS: '' },
  })
  return `plugins/${name}`
}

/** The program before its last line was changed. */
export function beforeTheChange(language: Language, source: string): string {
  const at = source.lastIndexOf(language.worker)
  return `${source.slice(0, at)}${language.once}${source.slice(at + language.worker.length)}`
}

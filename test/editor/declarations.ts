/**
 * The plugin API as one declaration file that needs nothing else: what an editor reads in a home, where there is no
 * node_modules. Made from the sources; `node test/editor/declarations.ts` writes it to its place, and a test says
 * when that has been forgotten.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

const root = join(import.meta.dirname, '..', '..')
const api = join(root, 'core', 'plugin')

/** Where the file stands that `helios plugin new` copies. */
export const DECLARATIONS = join(root, 'config', 'defaults', 'editor', 'helios.d.ts.txt')

const HEAD = `/*
 * The plugin API of Helios, for editors. Written by helios; changes to it are lost.
 * docs/plugin-authors-guide.md of the package says what all of this is for.
 */

declare module 'helios-mail/plugin' {
`
/** What the sources take from their surroundings, and a home has none. */
const SURROUNDINGS = `  interface AbortSignal {
    readonly aborted: boolean
    readonly reason: unknown
    throwIfAborted(): void
    addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void
    removeEventListener(type: 'abort', listener: () => void): void
  }
`

/** The text of the declaration file. */
export function declarePluginApi(): string {
  const files = emit()
  const ours = files.filter(({ path }) => path.startsWith(api)).flatMap(({ tree }) => declarationsOf(tree))
  const others = files.filter(({ path }) => !path.startsWith(api)).flatMap(({ tree }) => declarationsOf(tree))
  const needed = reachable(ours, others)
  const shown = [...ours, ...needed].map((statement) => indent(withoutDeclare(statement)))
  // Without an export of its own, everything in an ambient module counts as exported.
  return `${HEAD}${SURROUNDINGS}\n${shown.join('\n\n')}\n\n  export {}\n}\n`
}

interface Emitted {
  readonly path: string
  readonly tree: ts.SourceFile
}

function emit(): readonly Emitted[] {
  const read = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path))
  const { compilerOptions } = read.config as { readonly compilerOptions: object }
  const emitting = { noEmit: false, declaration: true, emitDeclarationOnly: true, paths: {} }
  const { options } = ts.convertCompilerOptionsFromJson({ ...compilerOptions, ...emitting }, root)
  const program = ts.createProgram([join(api, 'index.ts')], options)
  const emitted: Emitted[] = []
  program.emit(undefined, (_name, text, _mark, _error, sources) => {
    const path = sources![0]!.fileName
    emitted.push({ path, tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) })
  }, undefined, true)
  return emitted.toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

/** Everything but imports and what is passed on from elsewhere. */
function declarationsOf(tree: ts.SourceFile): readonly ts.Statement[] {
  return tree.statements.filter((statement) => !ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement))
}

/** Those of `others` that `from` names, and what these name in their turn. */
function reachable(from: readonly ts.Statement[], others: readonly ts.Statement[]): readonly ts.Statement[] {
  const found = new Set<ts.Statement>()
  const look = (statements: readonly ts.Statement[]): void => {
    const names = new Set(statements.flatMap(identifiersIn))
    const more = others.filter((statement) => !found.has(statement) && names.has(nameOf(statement) ?? ''))
    for (const statement of more) found.add(statement)
    if (more.length > 0) look(more)
  }
  look(from)
  return others.filter((statement) => found.has(statement))
}

function identifiersIn(node: ts.Node): readonly string[] {
  return ts.isIdentifier(node) ? [node.text] : node.getChildren().flatMap(identifiersIn)
}

function nameOf(statement: ts.Statement): string | undefined {
  return ts.isTypeAliasDeclaration(statement) || ts.isInterfaceDeclaration(statement) ? statement.name.text : undefined
}

/** `declare` may not stand inside of `declare module`. */
function withoutDeclare(statement: ts.Statement): string {
  const text = statement.getFullText().replace(/^\s*\n/, '')
  const doc = statement.getStart() - statement.getFullStart()
  const before = statement.getFullText().slice(0, doc).trim()
  const comment = before.startsWith('/**') ? `${before.slice(before.lastIndexOf('/**'))}\n` : ''
  return comment + (comment === '' ? text.trim() : statement.getText()).replace(/^export declare /, 'export ').replace(/;$/gm, '')
}

function indent(text: string): string {
  // The compiler indents by four; the one blank before the star of a comment stays.
  const halved = (blanks: string): string => ' '.repeat((blanks.length >> 2) * 2 + (blanks.length % 4))
  return text.split('\n').map((line) => (line === '' ? '' : `  ${line.replace(/^ +/, halved)}`)).join('\n')
}

if (import.meta.main) writeFileSync(DECLARATIONS, declarePluginApi())

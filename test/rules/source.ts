/** What the rules want to know of one source file: its imports, its default export, and what it reaches for by itself. */
import { posix } from 'node:path'
import ts from 'typescript'

export interface Import {
  readonly line: number
  /** As written; undefined when it is computed at run time. */
  readonly specifier: string | undefined
  /** What is taken, as the module names it, where each thing is named: `['isIP']`. Undefined: all of it. */
  readonly names: readonly string[] | undefined
}

export interface Source {
  readonly file: string
  readonly lines: number
  readonly imports: readonly Import[]
  /** Line of a default export. */
  readonly defaultExport: number | undefined
  /** Globals that ask the outside for something: clock, chance, network, process. */
  readonly reaches: readonly { readonly line: number; readonly what: string }[]
}

/** Globals of Node and the web that no pure module touches, besides the clock and chance, which are judged by their use. */
const OUTSIDE = new Set([
  'fetch', 'WebSocket', 'EventSource', 'XMLHttpRequest', 'BroadcastChannel', 'process', 'performance', 'crypto', 'navigator',
  'localStorage', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'require', 'global', 'globalThis', 'eval',
  'Function', 'console',
])

export function readSource(file: string, text: string): Source {
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const lineOf = (node: ts.Node): number => tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1
  const imports: Import[] = []
  const reaches: { line: number; what: string }[] = []
  let defaultExport: number | undefined

  function visit(node: ts.Node): void {
    const specifier = importOf(node)
    if (specifier !== undefined) {
      imports.push({ line: lineOf(node), specifier: ts.isStringLiteralLike(specifier) ? specifier.text : undefined, names: namesOf(node) })
    }
    if (isDefaultExport(node)) defaultExport ??= lineOf(node)
    const what = reachOf(node)
    if (what !== undefined) reaches.push({ line: lineOf(node), what })
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return { file, lines: countLines(text), imports, defaultExport, reaches }
}

/** The file an import means, relative to the root; undefined for a package or a built-in module. */
export function importedFile(from: string, specifier: string): string | undefined {
  if (!/^\.{0,2}\//.test(specifier) && specifier !== '.' && specifier !== '..') return undefined
  return posix.normalize(posix.join(posix.dirname(from), specifier))
}

/** The package an import means: `smtp-server` for `smtp-server/lib/x.js`, `@a/b` for `@a/b/c`. */
export function importedPackage(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
}

function countLines(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
}

function importOf(node: ts.Node): ts.Expression | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return node.argument.literal as ts.Expression
  if (ts.isExternalModuleReference(node)) return node.expression
  if (!ts.isCallExpression(node)) return undefined
  const callee = node.expression
  const loads = callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require')
  return loads ? node.arguments[0] : undefined
}

function namesOf(node: ts.Node): readonly string[] | undefined {
  if (!ts.isImportDeclaration(node) || node.importClause === undefined || node.importClause.name !== undefined) return undefined
  const bindings = node.importClause.namedBindings
  return bindings !== undefined && ts.isNamedImports(bindings)
    ? bindings.elements.map(({ name, propertyName }) => (propertyName ?? name).text)
    : undefined
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true
  if (ts.isExportSpecifier(node)) return node.name.text === 'default'
  return ts.canHaveModifiers(node) && (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword)
}

function reachOf(node: ts.Node): string | undefined {
  if (ts.isMetaProperty(node)) return 'import.meta'
  if (!ts.isIdentifier(node) || isOnlyAName(node)) return undefined
  if (node.text === 'Date') return dateReach(node)
  if (node.text === 'Math') return mathReach(node)
  return OUTSIDE.has(node.text) ? node.text : undefined
}

/** `x.fetch`, `{ fetch: 1 }`, `interface { fetch(): void }`: the word names a property, not the global. */
function isOnlyAName(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node
  if (ts.isQualifiedName(parent)) return parent.right === node
  if (ts.isPropertyAssignment(parent) || ts.isMethodDeclaration(parent) || ts.isPropertySignature(parent) || ts.isMethodSignature(parent)
    || ts.isPropertyDeclaration(parent) || ts.isAccessor(parent)) return parent.name === node
  if (ts.isBindingElement(parent)) return parent.propertyName === node
  return ts.isTypeReferenceNode(parent) || ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent)
}

/** `new Date(milliseconds)` and `Date.UTC` are arithmetic; everything else of Date asks the clock, or could. */
function dateReach(node: ts.Identifier): string | undefined {
  const { parent } = node
  if (ts.isNewExpression(parent) && parent.expression === node) return (parent.arguments ?? []).length > 0 ? undefined : 'new Date()'
  if (ts.isPropertyAccessExpression(parent)) return /^(?:UTC|parse)$/.test(parent.name.text) ? undefined : `Date.${parent.name.text}`
  if (ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.InstanceOfKeyword) return undefined
  return 'Date'
}

function mathReach(node: ts.Identifier): string | undefined {
  const { parent } = node
  if (!ts.isPropertyAccessExpression(parent)) return 'Math'
  return parent.name.text === 'random' ? 'Math.random' : undefined
}

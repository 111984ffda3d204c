/**
 * Tables and columns under the operator's names. Queries are written with qmail-sql's; this plugin of Kysely puts
 * others in their place, in queries on those three tables alone, and results come back under the names of the query.
 */
import {
  AliasNode, ColumnNode, IdentifierNode, OperationNodeTransformer, ReferenceNode, SelectionNode,
  type KyselyPlugin, type OperationNode, type SchemableIdentifierNode, type TableNode,
} from 'kysely'
import type { TableNames } from '../../../protocol/qmail/qmailconfig.ts'

/** Undefined where every name is qmail-sql's own. */
export function renaming(names: TableNames): KyselyPlugin | undefined {
  const tables = new Map(Object.entries(names.tables))
  const columns = new Map(Object.entries(names.columns))
  if ([...tables, ...columns].every(([ours, theirs]) => ours === theirs)) return undefined
  return {
    transformQuery: ({ node }) => {
      const found = new TableSearch()
      found.transformNode(node)
      if (![...found.tables].some((table) => tables.has(table))) return node
      return new Renamer(tables, columns).transformNode(node)
    },
    transformResult: async ({ result }) => result,
  }
}

class TableSearch extends OperationNodeTransformer {
  readonly tables = new Set<string>()

  protected override transformTable(node: TableNode): TableNode {
    this.tables.add(node.table.identifier.name)
    return node
  }
}

class Renamer extends OperationNodeTransformer {
  readonly #tables: ReadonlyMap<string, string>
  readonly #columns: ReadonlyMap<string, string>

  constructor(tables: ReadonlyMap<string, string>, columns: ReadonlyMap<string, string>) {
    super()
    this.#tables = tables
    this.#columns = columns
  }

  protected override transformTable(node: TableNode): TableNode {
    const { identifier } = node.table
    const table: SchemableIdentifierNode = { ...node.table, identifier: IdentifierNode.create(this.#tables.get(identifier.name) ?? identifier.name) }
    return { ...node, table }
  }

  protected override transformColumn(node: ColumnNode): ColumnNode {
    const { name } = node.column
    return ColumnNode.create(this.#columns.get(name) ?? name)
  }

  /** A column that is selected keeps the name it was asked by. */
  protected override transformSelection(node: SelectionNode): SelectionNode {
    const asked = columnOf(node.selection)
    const changed = super.transformSelection(node)
    if (asked === undefined || (this.#columns.get(asked) ?? asked) === asked) return changed
    return SelectionNode.create(AliasNode.create(changed.selection, IdentifierNode.create(asked)))
  }
}

function columnOf(node: OperationNode): string | undefined {
  if (ColumnNode.is(node)) return node.column.name
  if (ReferenceNode.is(node) && ColumnNode.is(node.column)) return node.column.column.name
  return undefined
}

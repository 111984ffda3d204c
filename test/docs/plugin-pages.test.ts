/** The pages of the bundled plugins are of one kind: the same sections, and every setting, control file and reply in them. */
import assert from 'node:assert/strict'
import { globSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { testPlugin } from '../../core/plugin/testing/index.ts'
import { HOOKS, type Plugin } from '../../core/plugin/plugin.ts'
import { parseSmtpConfig } from '../../protocol/qmail/smtpconfig.ts'
import { readPage, ROOT } from './pages.ts'

const SECTIONS = ['Switch it on', 'Settings', 'Replies', 'Trouble']
/** Those of the Helios manual (docs/plugins.md). */
const FAMILY = ['antispoof', 'badhelo', 'badmailfrom', 'badrcptto', 'maxbouncercpts', 'maxrcpts', 'rcptexists', 'tarpit']

const overview = readPage('docs/plugins.md').text

for (const name of readdirSync(join(ROOT, 'plugins')).toSorted()) {
  const page = readPage(`plugins/${name}/README.md`).text

  test(`${name}: its page has the sections that all have, in their order`, () => {
    const headings = [...page.matchAll(/^## (.*)$/gm)].map((match) => match[1]!)
    assert.deepEqual(headings.filter((heading) => SECTIONS.includes(heading)), SECTIONS)
    assert.match(page, new RegExp(`^# ${name}\n\n[A-Z]`))
    assert.match(page, /^\*\*When to use it\.\*\* /m)
    assert.match(page, /^## Control files$|\bControl files: /m)
    if (name !== 'maildir' && name !== 'relay') assert.match(page, /relay clients|clients that a TCP rule lets relay/i, 'how relay clients are treated')
    if (name !== 'maildir' && name !== 'badhelo') assert.match(page, /authenticated users|logged in/, 'how authenticated users are treated')
  })

  test(`${name}: its page names every setting, control file, section and reply`, async () => {
    const plugin = await load(name)
    for (const setting of Object.keys(plugin.settings ?? {})) assert.ok(page.includes(`\`${setting}\``), setting)
    for (const file of Object.keys(plugin.control ?? {})) assert.ok(page.includes(`\`control/${file}\``) || page.includes(`\`${file}\``), file)
    for (const hook of HOOKS.filter((each) => plugin[each] !== undefined)) {
      const section = `[${hook === 'message' || hook === 'deliver' ? '+' : ''}${hook}]`
      assert.ok(page.includes(section), section)
      assert.match(overview, new RegExp(`plugins/${name}/README\\.md\\)[^\\n]*\`${section.replace(/[[\]+]/g, '\\$&')}\``), `docs/plugins.md: ${section}`)
    }
    for (const reply of repliesOf(name)) assert.ok(page.includes(reply), reply)
  })
}

test('what the pages write into smtpconfig reaches sessions, and the plugin can read it', async () => {
  for (const name of readdirSync(join(ROOT, 'plugins'))) {
    const page = readPage(`plugins/${name}/README.md`).text
    const { settings = {} } = await load(name)
    const blocks = [...page.matchAll(/`control\/smtpconfig`[^\n]*:\n\n((?: {4}[^\n]*\n)+)/g)].map((match) => match[1]!.replace(/^ {4}/gm, ''))
    if (Object.keys(settings).length > 0 && name !== 'dkim-sign') assert.equal(blocks.length, 1, `${name}: how its variables are set`)
    for (const block of blocks) {
      const { variables, problems } = parseSmtpConfig(block)
      assert.deepEqual(problems, [], name)
      assert.equal(variables.length, block.trim().split('\n').length, `${name}: every line is exported`)
      for (const [variable, value] of variables) assert.equal(settings[variable]?.parse(value).ok, true, `${name}: ${variable}=${value}`)
    }
  }
})

/** The variable that a plugin does nothing without. */
const SWITCHES: Readonly<Record<string, string>> = {
  antispoof: 'ANTISPOOF', authheaders: 'DMARC', badhelo: 'BADHELO', 'dkim-sign': 'DKIMSIGN', earlytalker: 'EARLYTALKER', fcrdns: 'FCRDNS', greylist: 'GREYLIST', headerchecks: 'HEADERCHECKS',
  helodnscheck: 'HELODNSCHECK', maxbouncercpts: 'MAXBOUNCERECIPIENTS', maxrcpts: 'MAXRECIPIENTS', mfdnscheck: 'MFDNSCHECK', ratelimit: 'RATELIMIT', rbl: 'SMTPRBLS', spf: 'SPF', tarpit: 'TARPITDELAY',
}

test('off switches every plugin off that a variable switches on', async () => {
  for (const name of readdirSync(join(ROOT, 'plugins'))) {
    const { settings = {}, ...plugin } = await load(name)
    if (Object.keys(settings).length === 0) continue
    const variable = SWITCHES[name] ?? ''
    assert.equal(settings[variable]?.parse('OFF').ok, true, `${name}: ${variable}`)
    assert.match(readPage(`plugins/${name}/README.md`).text, /`off`/, name)
    const hook = HOOKS.find((each) => plugin[each] !== undefined && each !== 'message')
    if (hook === undefined) continue
    const asked = await testPlugin({ settings, ...plugin }, { hook, env: { [variable]: 'off' }, control: {} })
    assert.deepEqual([asked.commands, asked.facts, asked.fault, asked.slept], [[], [], undefined, 0], name)
  }
})

test('every setting and control file is read, or refused with a reason and a mend, whatever is in it', async () => {
  const bits = fc.oneof(fc.constantFrom('=', ';', ':', '/', '..', ',', ' ', '\n', '-a ', '"', '\\', '%{', '}', '*', '[', '!', '@', '#', '127.0.0.2', '1d', 'off', 'client', 'ip4:'),
    fc.string({ unit: 'binary', maxLength: 8 }), fc.string({ maxLength: 8 }))
  const anything = fc.array(bits, { maxLength: 12 }).map((parts) => parts.join(''))
  for (const name of readdirSync(join(ROOT, 'plugins'))) {
    const { settings = {}, control = {} } = await load(name)
    fc.assert(fc.property(anything, (text) => {
      for (const [variable, setting] of Object.entries(settings)) {
        const parsed = setting.parse(text)
        if (!parsed.ok) assert.ok(parsed.reason !== '' && parsed.mend !== '' && !/[\r\n]/.test(parsed.mend), `${variable}=${text}`)
      }
      for (const [file, { parse }] of Object.entries(control)) {
        for (const problem of parse(text).problems) assert.ok(problem.reason !== '' && problem.line >= 0, `${file}: ${text}`)
      }
    }), { numRuns: 200 })
  }
})

test('the family of the manual: one sentence says what each is for, and who is spared is said', async () => {
  for (const name of FAMILY) {
    const page = readPage(`plugins/${name}/README.md`).text.replaceAll('`', '')
    const { summary } = await load(name)
    assert.ok(page.split('\n\n')[1]!.replaceAll('\n', ' ').startsWith(summary.replace(/\.$/, '')), `${name}: ${summary}`)
    assert.match(page, /Relay clients (?:and authenticated users )?are treated like\s+everybody/, name)
    assert.match(overview, new RegExp(`^\\| \`${name}\` \\|`, 'm'))
  }
})

async function load(name: string): Promise<Plugin> {
  return ((await import(`../../plugins/${name}/index.ts`)) as { readonly default: Plugin }).default
}

/** Replies that the plugin's code has as they are; those that it composes are in its own tests. */
function repliesOf(name: string): readonly string[] {
  const files = globSync(`plugins/${name}/*.ts`, { cwd: ROOT }).filter((file) => !file.endsWith('.test.ts'))
  return files.flatMap((file) => [...readFileSync(join(ROOT, file), 'utf8').matchAll(/\b(?:error|hangUp)\('([245]\d\d [^'$]*)'\)/g)].map((match) => match[1]!))
}

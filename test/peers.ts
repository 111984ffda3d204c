/** Programs of other people that tests compare Helios with. */
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Programs and the Debian packages they come in. */
const PACKAGES: Readonly<Record<string, string>> = {
  tcprules: 'ucspi-tcp',
  tcprulescheck: 'ucspi-tcp',
  tcpserver: 'ucspi-tcp',
  cdb: 'tinycdb',
  sh: 'dash',
  python3: 'python3',
  php: 'php-cli',
  go: 'golang-go',
  'smtp-source': 'postfix',
  nsd: 'nsd',
  haproxy: 'haproxy',
  testssl: 'testssl.sh',
  nginx: 'nginx, libnginx-mod-mail and libnginx-mod-stream',
  dkimverify: 'python3-dkim',
  mariadbd: 'mariadb-server-core',
  'mariadb-install-db': 'mariadb-server-core',
  postgres: 'postgresql',
  initdb: 'postgresql',
}

/**
 * The path of a peer program. When it is not installed: undefined after one loud line, or an error where
 * HELIOS_PEERS=require says that this machine must have all of them.
 */
export function peer(name: string): string | undefined {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(directory === '' ? '.' : directory, name)
    if (isProgram(path)) return path
  }
  const message = `${name} is not installed (Debian package ${PACKAGES[name] ?? name})`
  if (process.env['HELIOS_PEERS'] === 'require') throw new Error(message)
  process.stderr.write(`SKIPPED: ${message}\n`)
  return undefined
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

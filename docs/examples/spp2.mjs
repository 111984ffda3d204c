// spp/2 for Node: serve(main) calls main for each request and waits for it, with the request in process.env. Without
// SPP_PROTOCOL=2 it calls it once.

const PLAIN = { '\\\\': '\\', '\\r': '\r', '\\n': '\n' }

export async function serve(main) {
  if (process.env.SPP_PROTOCOL !== '2') return main()
  process.stdin.setEncoding('utf8')
  process.stdout.write('spp/2\n')
  let unread = ''
  for await (const chunk of process.stdin) {
    unread += chunk
    // Only a whole request is taken. No line of it is empty but the last.
    for (let end = unread.indexOf('\n\n'); end !== -1; end = unread.indexOf('\n\n')) {
      const [, ...pairs] = unread.slice(0, end).split('\n')
      unread = unread.slice(end + 2)
      setEnvironment(new Map(pairs.map(pairOf)))
      await main()
      process.stdout.write('.\n')
    }
  }
}

function pairOf(line) {
  const pair = line.replace(/\\[\\rn]/g, (found) => PLAIN[found])
  const equals = pair.indexOf('=')
  return [pair.slice(0, equals), pair.slice(equals + 1)]
}

function setEnvironment(env) {
  for (const name of Object.keys(process.env)) if (!env.has(name)) delete process.env[name]
  for (const [name, value] of env) process.env[name] = value
}

/**
 * A hint that files changed, so that a broken edit is reported without waiting for a client. Only a hint: where the
 * system cannot watch, accepted connections still compare stamps.
 */
import { watch, type FSWatcher } from 'node:fs'

/** Several events of one save are one change. */
const QUIET_MS = 150

/** Calls `changed` after something in one of the directories did. Returns what ends the watch. */
export function watchFiles(directories: readonly string[], changed: () => void): () => void {
  let timer: NodeJS.Timeout | undefined
  const soon = (): void => {
    clearTimeout(timer)
    timer = setTimeout(changed, QUIET_MS)
    timer.unref()
  }
  const watchers: FSWatcher[] = []
  for (const directory of directories) {
    try {
      const watcher = watch(directory, { persistent: false }, soon)
      watcher.on('error', () => watcher.close())
      watchers.push(watcher)
    } catch {
      // The directory is not there, or the system is out of watches.
    }
  }
  return () => {
    clearTimeout(timer)
    for (const watcher of watchers) watcher.close()
  }
}

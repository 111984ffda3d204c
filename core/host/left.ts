/** Detail of the fault of a line whose answer nobody waits for any more: the client has left, or the server stops. No fault of the plugin's. */
export const NOBODY_WAITS = 'nobody waits for the answer any more'

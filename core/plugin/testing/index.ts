/** The test world (`helios-mail/plugin/testing`): asks one handler of a plugin with no server around it. */
export { testPlugin, testSelfTest, testTakes, type LoggedLine, type TestOptions, type TestResult } from './run.ts'
export { testSession, type Environment, type SessionFields } from './session.ts'
export { testAccount, type FakeAccounts, type FakeMailbox } from './accounts.ts'
export type { DnsTrouble, FakeDns, FakeName } from './dns.ts'
export { testMessage, type TestMessage } from './message.ts'
export { DEFAULT_NOW, fakeWorld, testMemory, type Delivered, type FakeWorld, type TestMemory, type WorldOptions } from './world.ts'
export { fakeTables, type FakeTables } from './tables.ts'
export type { Fact } from './facts.ts'

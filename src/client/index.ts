/** Sends a program's entries to a monitor elsewhere. */
export type { ErrorReporter, ErrorStage } from '../errors.ts'
export type { Level } from '../log.ts'
export type { LevelMethods, Logger } from '../logger.ts'
export type { Fetch } from './post.ts'
export { createPushClient, type PushClient, type PushClientOptions, type SendOptions } from './push.ts'
export type { PushStats } from './sender.ts'

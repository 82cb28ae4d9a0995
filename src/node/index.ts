/** What is needed to run edgetail on Node. */
export { readSettings, type Settings } from '../settings.ts'
export { closeOnSignals, type Server, type ServerOptions, startServer } from './server.ts'
export { type SqliteSourceOptions, sqliteSource } from './sqlite.ts'
export { sqliteStreams } from './sqlite-streams.ts'

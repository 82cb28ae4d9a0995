/** The public names. */
export { type CaptureOptions, type ConsoleLike, captureConsole } from './capture.ts'
export { type ErrorCode, type ErrorReporter, type ErrorStage, type ErrorStatus, MonitorError } from './errors.ts'
export type { FilterQuery } from './filter/filter.ts'
export type { Authenticate, Identity } from './http/auth.ts'
export { type RequestLogOptions, requestLog } from './http/request-log.ts'
export { type JsonObject, LEVELS, type Level, type LogEntry, type LogRecord } from './log.ts'
export type { LevelMethods, Logger } from './logger.ts'
export { createMetrics, type EntryWay, type Metrics } from './metrics.ts'
export { createMonitor, type Monitor, type MonitorOptions } from './monitor.ts'
export { type NormalizeOptions, normalizeEntry } from './normalize.ts'
export { DEFAULT_REDACT_PATHS } from './redact.ts'
export type { MonitoredLog } from './served-log.ts'
export type { MonitorSettings, ProxyHeader } from './settings.ts'
export type {
  Checkpoint,
  Gap,
  HistoryPage,
  HistoryQuery,
  LogBatch,
  LogSource,
  SourceStatus,
  StoredEntry,
  StreamItem,
  SubscribeOptions,
  Subscription,
} from './source.ts'
export { type MemorySourceOptions, memorySource } from './sources/memory.ts'
export { memoryStreams } from './sources/memory-streams.ts'
export { type RedisSourceOptions, redisSource } from './sources/redis.ts'
export type {
  IoRedisClient,
  NodeRedisClient,
  NodeRedisCluster,
  NodeRedisSentinel,
  RedisClient,
} from './sources/redis-client.ts'
export { redisStreams } from './sources/redis-streams.ts'
export { createBatch, encodeLog } from './sse.ts'
export type { LogDirectory, StreamClaim } from './streams.ts'
export type { Grant, Right, StreamToken } from './token-list.ts'

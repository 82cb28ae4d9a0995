/** For those who write a source of their own. Needs vitest. */
export { type SourceTraits, testSource } from './source.ts'

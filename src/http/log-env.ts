/** What is known of a request: who it is from, and which log it is for. */
import type { ServedLog } from '../served-log.ts'
import type { Access } from './auth.ts'

/** What the middleware leaves for the routes. The app that they are mounted in has variables of its own, so ours have our name. */
export type LogEnv = {
  Variables: {
    /** Once it has shown a credential. */
    access: Access
    /** The name of the log. */
    edgetailStream: string
    /** The log itself, once the request was let in. */
    edgetailLog: ServedLog
  }
}

/** Tokens with rights of their own, and how they are written down in a setting. Nothing here repeats a token in an error. */
import * as v from 'valibot'
import { isStreamPattern, STREAM_NAME_RULE } from './streams.ts'

/** What a credential allows. */
export type Right = 'read' | 'write'

/** Rights, and where they hold. */
export interface Grant {
  readonly rights: readonly Right[]
  /**
   * The named streams that it is limited to: names, and beginnings of names that end with `*`. `default` is the log at the base.
   * @default all, the log at the base included
   */
  readonly streams?: readonly string[] | undefined
}

/** A token with what it allows. */
export interface StreamToken extends Grant {
  /** 1 to 4096 visible ASCII characters without blanks. The same one may stand in several members, which then add up. */
  readonly token: string
}

const tokenMessage = 'is 1 to 4096 visible ASCII characters without blanks'

/** A bearer token as it can stand in a header (RFC 6750, section 2.1, and what else is visible ASCII). */
export const tokenText: v.GenericSchema<string> = v.pipe(
  v.string(tokenMessage),
  v.regex(/^[\x21-\x7e]{1,4096}$/, tokenMessage),
)

const listMessage = 'is a JSON array such as [{"token":"…","rights":["read"],"streams":["shop"]}]'
const memberMessage = 'is an object with token, rights and, if it is limited, streams, and nothing else'
const rightsMessage = 'is a list with read, write or both'
const streamsMessage = `is a list of names (${STREAM_NAME_RULE}), each perhaps with a * at its end`

function listOf<Item>(item: v.GenericSchema<Item>, message: string): v.GenericSchema<Item[]> {
  return v.pipe(v.array(item, message), v.minLength(1, message))
}

const right: v.GenericSchema<Right> = v.picklist(['read', 'write'], rightsMessage)
const pattern: v.GenericSchema<string> = v.pipe(v.string(streamsMessage), v.check(isStreamPattern, streamsMessage))

/** A list of them. */
export const tokenList: v.GenericSchema<StreamToken[]> = v.array(
  v.strictObject(
    {
      token: tokenText,
      rights: listOf(right, rightsMessage),
      streams: v.optional(listOf(pattern, streamsMessage)),
    },
    memberMessage,
  ),
  listMessage,
)

/**
 * Reads the text of the setting; what is no JSON comes back as it is, and is no list. Blank is not set: compose files and templates
 * have no other way to leave a variable out.
 */
export function readTokenList(text: string): unknown {
  if (text.trim() === '') return []
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/**
 * Where in the list something is wrong, as `[1].rights`. Of a member as a whole its own names are left out: somebody may have
 * written a token there.
 */
export function placeInTokens([index, member]: readonly unknown[], message: string): string {
  if (index === undefined) return ''
  return message === memberMessage || member === undefined ? `[${index}]` : `[${index}].${member}`
}

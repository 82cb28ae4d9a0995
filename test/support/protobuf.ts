/**
 * Protobuf by hand, from its description (https://protobuf.dev/programming-guides/encoding/) and no library, so that a reader of
 * it is not tested against itself. Right and wrong bytes alike can be said.
 */

/** Bytes of a field: its tag and what follows. */
export type Bytes = readonly number[]

/** A base-128 varint; negative numbers as 64 bits. */
export function varint(value: number | bigint): Bytes {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0))
    rest >>= 7n
  } while (rest > 0n)
  return bytes
}

/** The number of a field and its wire type: 0 varint, 1 eight bytes, 2 length and bytes, 3 and 4 a group, 5 four bytes. */
export function tag(field: number, wire: number): Bytes {
  return varint((field << 3) | wire)
}

/** An integer, a boolean or an enum. */
export function integer(field: number, value: number | bigint): Bytes {
  return [...tag(field, 0), ...varint(value)]
}

/** A `fixed64`, or a double by its bits. */
export function fixed64(field: number, value: bigint): Bytes {
  return [...tag(field, 1), ...Array.from({ length: 8 }, (_, at) => Number((value >> BigInt(8 * at)) & 0xffn))]
}

/** A `fixed32`. */
export function fixed32(field: number, value: number): Bytes {
  return [...tag(field, 5), ...Array.from({ length: 4 }, (_, at) => (value >>> (8 * at)) & 0xff)]
}

/** A double. */
export function double(field: number, value: number): Bytes {
  return fixed64(field, new BigUint64Array(Float64Array.of(value).buffer)[0] as bigint)
}

/** A string, bytes, or a message of fields. */
export function block(field: number, content: string | Bytes, ...more: Bytes[]): Bytes {
  const bytes = typeof content === 'string' ? [...new TextEncoder().encode(content)] : [...content, ...more.flat()]
  return [...tag(field, 2), ...varint(bytes.length), ...bytes]
}

/**
 * The wire: one frame is one binary message, a type byte, then big-endian numbers, then bytes. The table stands in the
 * documentation of the Rust module `webssh_core::docs::wire`. Here are no rules, only bytes.
 */

export const VERSION = 1;
/** Capabilities: resume, observers, login dialogue. */
export const CAPS = 0b111, CAP_RESUME = 0b001;
/** The most input bytes in one frame, and the most bytes of one answer to a prompt. */
export const INPUT_FRAME_BYTES_MAX = 16 * 1024, ANSWER_BYTES_MAX = 4096;

const HELLO = 0x01, INPUT = 0x02, RESIZE = 0x03, ACK = 0x04, PONG = 0x05, ANSWER = 0x06, HOST_ANSWER = 0x07, LEAVE = 0x08;
/** Ways to open: nothing to show, a ticket, a token of a session that was cut. */
const PLAIN = 0, TICKET = 1, RESUME = 2;
const TOKEN_BYTES = 32, STAMP_BYTES = 8;
/** Columns and rows that the wire can carry. */
const CELLS_MAX = 1000;
/** "Not measured yet", in place of a round-trip time. */
const RTT_UNKNOWN = 0xffff_ffff;

const encoder = new TextEncoder();

/**
 * @param {{ cols: number, rows: number }} size
 * @param {{ ticket: string | null, token: Uint8Array | null, received: number }} opening The token goes before the ticket.
 */
export function hello(size, { ticket, token, received }) {
  const kind = token !== null ? RESUME : ticket !== null ? TICKET : PLAIN;
  const shown = encoder.encode(ticket ?? "");
  const frame = new Frame(HELLO, 10 + [0, 2 + shown.length, TOKEN_BYTES + 8][kind]);
  frame.u8(VERSION).u32(CAPS).size(size).u8(kind);
  if (kind === TICKET) frame.u16(shown.length).bytes(shown);
  if (kind === RESUME) frame.bytes(token).u64(received);
  return frame.done();
}

/** @param {number} seq @param {Uint8Array} data */
export function input(seq, data) {
  return new Frame(INPUT, 8 + data.length).u64(seq).bytes(data).done();
}

/** @param {{ cols: number, rows: number }} size Sizes beyond the wire's are brought within. */
export function resize(size) {
  return new Frame(RESIZE, 4).size(size).done();
}

/** @param {number} consumed */
export function ack(consumed) {
  return new Frame(ACK, 8).u64(consumed).done();
}

/** @param {Uint8Array} stamp As it came. */
export function pong(stamp) {
  return new Frame(PONG, STAMP_BYTES).bytes(stamp).done();
}

/** @param {number} id @param {Uint8Array[]} answers */
export function answer(id, answers) {
  const frame = new Frame(ANSWER, answers.reduce((sum, { length }) => sum + 2 + length, 5)).u32(id).u8(answers.length);
  for (const one of answers) frame.u16(one.length).bytes(one);
  return frame.done();
}

/** @param {number} id @param {boolean} accept */
export function hostAnswer(id, accept) {
  return new Frame(HOST_ANSWER, 5).u32(id).u8(accept ? 1 : 0).done();
}

export function leave() {
  return new Frame(LEAVE, 0).done();
}

/** How each frame of the server is read: its name, and its fields in their order. */
const SERVER = {
  0x81: (it) => ({
    type: "welcome", version: it.u8(), caps: it.u32(), role: it.u8() === 1 ? "observer" : "owner", token: it.bytes(TOKEN_BYTES),
    from: it.u64(), typed: it.u64(), inputMax: it.u32(), unackedMax: it.u32(), idleSecs: it.u32(), absoluteSecs: it.u32(),
    keptSecs: it.u32(), cols: it.u16(), rows: it.u16(),
  }),
  0x82: (it) => ({ type: "data", seq: it.u64(), data: it.rest() }),
  0x83: (it) => ({ type: "inputAck", seq: it.u64() }),
  0x84: (it) => ({ type: "ping", stamp: it.bytes(STAMP_BYTES), rtt: it.rtt() }),
  0x85: (it) => ({ type: "exit", status: it.u32() }),
  0x86: (it) => ({ type: "failure", code: it.u16(), text: decode(it.rest()) }),
  0x87: (it) => ({ type: "gap", from: it.u64(), to: it.u64() }),
  0x88: (it) => ({
    type: "prompt", id: it.u32(), name: it.text(), instruction: it.text(),
    prompts: Array.from({ length: it.u8() }, () => ({ echo: it.u8() === 1, text: it.text() })),
  }),
  0x89: (it) => ({ type: "hostKey", id: it.u32(), host: it.text(), algorithm: it.text(), fingerprint: it.text() }),
  0x8a: (it) => ({ type: "resized", cols: it.u16(), rows: it.u16() }),
  0x8b: (it) => ({ type: "watchers", count: it.u16() }),
};

/**
 * Reads a message of the server.
 *
 * @param {unknown} message
 * @returns {{ type: string } | null} None for what is no frame, or is one that cannot be read.
 */
export function read(message) {
  if (!(message instanceof ArrayBuffer)) return null;
  try {
    const reader = new Reader(message);
    return SERVER[reader.u8()]?.(reader) ?? null;
  } catch (error) {
    // A frame that ends too early.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** Writes a frame of `type` with `length` bytes after the type. */
class Frame {
  #view;
  #at = 0;

  constructor(type, length) {
    this.#view = new DataView(new ArrayBuffer(1 + length));
    this.u8(type);
  }

  u8(value) {
    this.#view.setUint8(this.#step(1), value);
    return this;
  }

  u16(value) {
    this.#view.setUint16(this.#step(2), value);
    return this;
  }

  u32(value) {
    this.#view.setUint32(this.#step(4), value);
    return this;
  }

  u64(value) {
    this.#view.setBigUint64(this.#step(8), BigInt(value));
    return this;
  }

  size({ cols, rows }) {
    const cells = (value) => Math.min(CELLS_MAX, Math.max(1, value));
    return this.u16(cells(cols)).u16(cells(rows));
  }

  bytes(bytes) {
    new Uint8Array(this.#view.buffer).set(bytes, this.#step(bytes.length));
    return this;
  }

  done() {
    return this.#view.buffer;
  }

  #step(length) {
    this.#at += length;
    return this.#at - length;
  }
}

/** Reads the fields of a frame one after the other. */
class Reader {
  #view;
  #at = 0;

  constructor(buffer) {
    this.#view = new DataView(buffer);
  }

  u8() {
    return this.#view.getUint8(this.#step(1));
  }

  u16() {
    return this.#view.getUint16(this.#step(2));
  }

  u32() {
    return this.#view.getUint32(this.#step(4));
  }

  /** Beyond 2^53 bytes a page does not live. */
  u64() {
    return Number(this.#view.getBigUint64(this.#step(8)));
  }

  /** Milliseconds, or null. */
  rtt() {
    const measured = this.u32();
    return measured === RTT_UNKNOWN ? null : measured;
  }

  bytes(length) {
    return new Uint8Array(this.#view.buffer, this.#step(length), length);
  }

  rest() {
    return this.bytes(this.#view.byteLength - this.#at);
  }

  text() {
    return decode(this.bytes(this.u16()));
  }

  #step(length) {
    this.#at += length;
    return this.#at - length;
  }
}

function decode(bytes) {
  return new TextDecoder().decode(bytes);
}

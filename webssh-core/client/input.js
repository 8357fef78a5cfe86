/**
 * Input on its way to the shell: numbered over the whole session, held until the server has it, sent no faster than the
 * shell takes it. No key is lost in a cut, and none runs twice.
 */

import { INPUT_FRAME_BYTES_MAX } from "./wire.js";

/** The most bytes held here, sent or not. */
const HELD_BYTES_MAX = 4 * 1024 * 1024;

export class Input {
  #send;
  /** Frames that the server may not have, in order; those before `#next` were sent on this connection. */
  #held = [];
  #next = 0;
  #bytes = 0;
  /** Numbers of bytes: the next to be typed; the first that was never sent; the first that the server does not have. */
  #end = 0;
  #sent = 0;
  #received = 0;
  /** The first that the shell has not taken; not known between a welcome and the acknowledgement that follows it. */
  #acked = 0;
  #known = false;
  #windowBytes = 0;
  #connected = false;

  /** @param {(seq: number, data: Uint8Array) => void} send Sends one frame. */
  constructor(send) {
    this.#send = send;
  }

  /** Takes what was typed. False for what is too much to hold: then none of it is taken. */
  type(data) {
    if (this.#bytes + data.length > HELD_BYTES_MAX) return false;
    this.#hold(data);
    this.flush();
    return true;
  }

  /** A connection begins; `typed` counts what others have typed before. What waits here is numbered anew. */
  begin(typed, windowBytes) {
    const waiting = this.#held;
    this.clear();
    this.#end = this.#sent = this.#received = this.#acked = typed;
    for (const { data } of waiting) this.#hold(data);
    this.#connect(typed, windowBytes);
  }

  /** A connection goes on; the server has received `typed`. False for a number that cannot be. */
  goOn(typed, windowBytes) {
    if (typed < this.#received || typed > this.#sent) return false;
    this.#next = 0;
    this.#received = typed;
    this.#forget(typed);
    this.#connect(typed, windowBytes);
    return true;
  }

  /** The shell has taken what lies before `seq`. False for a number that cannot be. */
  ack(seq) {
    if (seq > this.#sent) return false;
    // The first one after a welcome may be lower than all before it: the shell has yet to take what was received.
    if (this.#known && seq <= this.#acked) return true;
    this.#acked = seq;
    this.#known = true;
    this.#received = Math.max(this.#received, seq);
    this.#forget(seq);
    this.flush();
    return true;
  }

  /** Sends what the server has room for. */
  flush() {
    while (this.#connected && this.#known && this.#next < this.#held.length) {
      const { seq, data } = this.#held[this.#next];
      if (seq + data.length - this.#acked > this.#windowBytes) return;
      this.#next += 1;
      this.#sent = Math.max(this.#sent, seq + data.length);
      this.#send(seq, data);
    }
  }

  /** The connection is gone. */
  pause() {
    this.#connected = false;
  }

  /** Nothing of it is sent any more. */
  clear() {
    this.#held = [];
    this.#next = 0;
    this.#bytes = 0;
  }

  #connect(typed, windowBytes) {
    // The window counts from what the shell has taken. Where anything was typed before, that is said next.
    this.#known = typed === 0;
    this.#windowBytes = windowBytes;
    this.#connected = true;
  }

  #hold(data) {
    for (let at = 0; at < data.length; at += INPUT_FRAME_BYTES_MAX) {
      const piece = data.subarray(at, at + INPUT_FRAME_BYTES_MAX);
      this.#held.push({ seq: this.#end, data: piece });
      this.#end += piece.length;
      this.#bytes += piece.length;
    }
  }

  /** Drops input that the server has. A frame of which it has a part is cut there. */
  #forget(seq) {
    while (this.#held.length > 0 && this.#held[0].seq < seq) {
      const first = this.#held[0];
      const taken = Math.min(first.data.length, seq - first.seq);
      this.#bytes -= taken;
      if (taken === first.data.length) {
        this.#held.shift();
        this.#next = Math.max(0, this.#next - 1);
      } else {
        this.#held[0] = { seq, data: first.data.subarray(taken) };
      }
    }
  }
}

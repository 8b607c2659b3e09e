'use strict';
// Frames between the platform and this process over a stream socket on descriptor 3.
//
// A frame is a length (4 bytes, big-endian, of the payload alone), a type (1 byte) and the payload. In order:
//   READY     ->  booted, waiting in the pool
//   ASSIGN    <-  JSON {handler, env, task_root}: the function this process belongs to from now on
//   READY     ->  the handler is loaded (or FATAL: it could not be)
//   INVOKE    <-  meta length (2 bytes), meta JSON, event JSON
//   [PRELUDE] CHUNK*       ->  of a streaming handler: JSON {"content_type"}, then the body piece by piece
//   RESULT | ERROR | FATAL ->  after RESULT and ERROR the next INVOKE may follow; after FATAL the process ends
// The body of a response is its chunks and then RESULT's payload (empty when it was streamed). LOG -> may come at any
// time. The platform's side of this is sandbox/frames.py.
// Reads and writes block on purpose: see bootstrap.cjs.
const fs = require('node:fs');

const DESCRIPTOR = 3;
const HEADER_BYTES = 5;
const INBOX_BYTES = 65536;

let inbox = Buffer.allocUnsafeSlow(INBOX_BYTES);
let start = 0;
let end = 0;

// The payload of the next frame, which must be of type `expected`. Valid until the next call.
function receive(expected) {
  fill(HEADER_BYTES);
  const length = inbox.readUInt32BE(start);
  const type = inbox[start + 4];
  fill(HEADER_BYTES + length);
  if (type !== expected) throw new Error(`frame of type ${type} where ${expected} was due`);
  const payload = inbox.subarray(start + HEADER_BYTES, start + HEADER_BYTES + length);
  start += HEADER_BYTES + length;
  return payload;
}

// Reads until `count` unconsumed bytes are there. The end of the channel is the platform's way to say goodbye.
function fill(count) {
  if (start === end) reset();
  if (start + count > inbox.length) makeRoom(count);
  while (end - start < count) {
    const got = fs.readSync(DESCRIPTOR, inbox, end, inbox.length - end, null);
    if (got === 0) process.exit(0);
    end += got;
  }
}

// A large event must not hold its memory while the function idles.
function reset() {
  start = end = 0;
  if (inbox.length > INBOX_BYTES) inbox = Buffer.allocUnsafeSlow(INBOX_BYTES);
}

function makeRoom(count) {
  const roomier = Buffer.allocUnsafeSlow(Math.max(count, INBOX_BYTES));
  inbox.copy(roomier, 0, start, end);
  inbox = roomier;
  end -= start;
  start = 0;
}

// `payload`: a string or bytes.
function send(type, payload = '') {
  const length = Buffer.byteLength(payload);
  const frame = Buffer.allocUnsafe(HEADER_BYTES + length);
  frame.writeUInt32BE(length, 0);
  frame[4] = type;
  if (typeof payload === 'string') frame.write(payload, HEADER_BYTES);
  else frame.set(payload, HEADER_BYTES);
  for (let sent = 0; sent < frame.length;) sent += fs.writeSync(DESCRIPTOR, frame, sent);
}

module.exports = {
  receive, send,
  ASSIGN: 0, INVOKE: 1,
  RESULT: 2, ERROR: 3, FATAL: 4, CHUNK: 5, PRELUDE: 6, READY: 7, LOG: 8,
};

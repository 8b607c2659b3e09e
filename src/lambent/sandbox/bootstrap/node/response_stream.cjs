'use strict';
// `awslambda.streamifyResponse` and what such a handler writes to.
// https://docs.aws.amazon.com/lambda/latest/dg/config-rs-write-functions.html
//
// Every write is a frame at once. An HTTP response (`HttpResponseStream.from`) begins with its status and headers as
// JSON and eight zero bytes, inside the body, and says so in its content type: that is AWS's format, whoever reads the
// body next (a function URL, a client of InvokeWithResponseStream) takes it apart.
const { Writable } = require('node:stream');
const channel = require('./channel.cjs');
const { STREAMING } = require('./handler.cjs');

const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');
const HTTP_INTEGRATION = 'application/vnd.awslambda.http-integration-response';
const METADATA_END = Buffer.alloc(8);
// Well below the longest frame the platform takes.
const MAX_CHUNK_BYTES = 1024 * 1024;

class ResponseStream extends Writable {
  #contentType;
  #metadata;
  #begun = false;

  setContentType(contentType) {
    this.#contentType = contentType;
  }

  beginWith(metadata) {
    this.#metadata = metadata;
  }

  _write(chunk, encoding, callback) {
    this.#begin();
    for (let from = 0; from < chunk.length; from += MAX_CHUNK_BYTES) {
      channel.send(channel.CHUNK, chunk.subarray(from, from + MAX_CHUNK_BYTES));
    }
    callback();
  }

  _final(callback) {
    this.#begin();
    callback();
  }

  #begin() {
    if (this.#begun) return;
    this.#begun = true;
    if (this.#contentType) {
      channel.send(channel.PRELUDE, JSON.stringify({ content_type: this.#contentType }));
    }
    if (this.#metadata) channel.send(channel.CHUNK, this.#metadata);
  }
}

// `metadata`: {statusCode, headers, cookies}
function fromHttp(stream, metadata) {
  stream.setContentType(HTTP_INTEGRATION);
  stream.beginWith(Buffer.concat([Buffer.from(JSON.stringify(metadata)), METADATA_END]));
  return stream;
}

function streamifyResponse(handler, options) {
  handler[STREAMING] = 'response';
  if (options?.highWaterMark !== undefined) handler[HIGH_WATER_MARK] = Number.parseInt(options.highWaterMark, 10);
  return handler;
}

function install() {
  globalThis.awslambda = { streamifyResponse, HttpResponseStream: { from: fromHttp } };
}

module.exports = { install, ResponseStream };

'use strict';
// console.* as AWS prints it: `<ISO time>\t<request id>\t<level>\t<message>`, and one call is one log event however
// many lines its message has: it travels as a frame, not as lines of stdout. What the function writes to stdout itself
// stays lines. https://docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html
const { formatWithOptions } = require('node:util');
const channel = require('./channel.cjs');
const errors = require('./errors.cjs');

const LEVELS = { trace: 'TRACE', debug: 'DEBUG', info: 'INFO', log: 'INFO', warn: 'WARN', error: 'ERROR',
  fatal: 'FATAL' };

// CloudWatch Logs takes 1 MB in one event and cuts off the rest.
const MAX_EVENT_CHARACTERS = 1_000_000;

let requestId;

function install() {
  for (const [method, level] of Object.entries(LEVELS)) {
    console[method] = (...args) => write(format(level, args));
  }
}

function setRequestId(id) {
  requestId = id;
}

function format(level, args) {
  const message = formatWithOptions({ colors: false }, ...args);
  return `${new Date().toISOString()}\t${requestId}\t${level}\t${message}`;
}

// What AWS writes when the runtime, not the function, reports an error; the tab before the JSON is AWS's.
function error(what, cause) {
  write(format('ERROR', [what, `\t${errors.describe(cause)}`]));
}

function write(event) {
  channel.send(channel.LOG, event.slice(0, MAX_EVENT_CHARACTERS));
}

module.exports = { install, setRequestId, format, error };

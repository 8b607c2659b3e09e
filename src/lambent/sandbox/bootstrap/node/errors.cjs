'use strict';
// What AWS makes of an error: the document a caller receives, the JSON its log line carries, and the runtime's own
// error types. https://docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html
const { isNativeError } = require('node:util').types;

// Errors of other realms (vm contexts, test runners) and of libraries that imitate Error count as errors too.
function isErrorLike(value) {
  return isNativeError(value) || Boolean(value && ['name', 'message', 'stack'].every((key) => value[key] &&
    typeof value[key] === 'string'));
}

// JSON text of {errorType, errorMessage, trace}. Getters of the function's own error classes may throw.
function document(error) {
  try {
    return JSON.stringify(isErrorLike(error)
      ? { errorType: error.name, errorMessage: error.message, trace: String(error.stack).split('\n') }
      : { errorType: typeof error, errorMessage: String(error), trace: [] });
  } catch {
    return JSON.stringify({
      errorType: 'handled',
      errorMessage: 'callback called with Error argument, but there was a problem while retrieving one or more of' +
        ' its message, name, and stack',
    });
  }
}

// For the log: everything enumerable on the error (codes, causes) as well.
function describe(error) {
  try {
    return JSON.stringify(error, (_key, value) => (value instanceof Error ? spread(value) : value));
  } catch {
    return document(error);
  }
}

function spread(error) {
  const fields = { errorType: error.name, errorMessage: error.message, code: error.code, ...error };
  if (typeof error.stack === 'string') fields.stack = error.stack.split('\n');
  return fields;
}

// The runtime's own types are named `Runtime.<class>`; wrapping an error keeps its text as the message.
class RuntimeFault extends Error {
  constructor(reason) {
    super(String(reason));
    Error.captureStackTrace(this, new.target);
  }

  get name() {
    return `Runtime.${this.constructor.name}`;
  }
}

class ImportModuleError extends RuntimeFault {}
class HandlerNotFound extends RuntimeFault {}
class MalformedHandlerName extends RuntimeFault {}
class UserCodeSyntaxError extends RuntimeFault {
  constructor(reason) {
    super(reason);
    this.stack = `${this.name}: ${reason.stack ?? reason}`;
  }
}
class NodeJsExit extends RuntimeFault {}
class CallbackHandlerDeprecated extends RuntimeFault {}
class UnhandledPromiseRejection extends RuntimeFault {
  constructor(reason, promise) {
    super(reason);
    this.reason = reason;
    this.promise = promise;
    if (reason instanceof Error) this.stack = `${this.name}: ${reason.stack}`;
  }
}

module.exports = {
  document, describe,
  ImportModuleError, HandlerNotFound, MalformedHandlerName, UserCodeSyntaxError, NodeJsExit,
  CallbackHandlerDeprecated, UnhandledPromiseRejection,
};

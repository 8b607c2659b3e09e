'use strict';
// One event through the handler, whichever style it is written in:
//   async (event, context) => result                    the promise decides
//   (event, context, callback) => ...                   callback(error, result); by default only when the loop is empty
//   (event, context) => context.done/succeed/fail(...)  the style of 2014-2016, decides at once
//   streamifyResponse((event, stream, context) => ...)  ended by the end of the stream
// The first of them to speak wins. If the event loop runs dry first, nobody will: a synchronous handler then answers
// null, a promise that never settles is an error, both as on AWS.
// https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html
const channel = require('./channel.cjs');
const errors = require('./errors.cjs');
const handlers = require('./handler.cjs');
const logLines = require('./log_lines.cjs');
const { ResponseStream } = require('./response_stream.cjs');

const NEVER_SETTLED = 'The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly' +
  ' caused by a Promise that was never settled. For more information, see' +
  ' https://nodejs.org/docs/latest/api/process.html#exit-codes';

// The answer as a frame: {type, payload}. Never rejects.
async function run(handler, eventText, meta) {
  let answer;
  const onEmptyLoop = () => answer.loopIsEmpty();
  process.on('beforeExit', onEmptyLoop);
  try {
    const event = JSON.parse(eventText);
    const value = await new Promise((resolve, reject) => {
      answer = handler[handlers.STREAMING] ? stream(handler, event, meta, resolve, reject)
        : call(handler, event, meta, resolve, reject);
    });
    return { type: channel.RESULT, payload: value };
  } catch (error) {
    logLines.error('Invoke Error', error);
    return { type: channel.ERROR, payload: errors.document(error) };
  } finally {
    process.removeListener('beforeExit', onEmptyLoop);
  }
}

function call(handler, event, meta, resolve, reject) {
  let waits = true;
  let pending = null;
  let returned;
  const succeed = (result) => settle(resolve, reject, result);
  const done = (error, result) => (isGiven(error) ? reject(error) : succeed(result));
  const callback = (error, result) => {
    if (isGiven(error)) reject(error);
    else if (!waits) succeed(result);
    else pending ??= { result };
  };
  const context = describe(meta);
  if (!handlers.servesCallbacks()) {
    attempt(reject, () => Promise.resolve(handler(event, context)).then(succeed, reject));
    return { loopIsEmpty: () => reject(new errors.NodeJsExit(NEVER_SETTLED)) };
  }
  Object.defineProperty(context, 'callbackWaitsForEmptyEventLoop',
    { enumerable: true, get: () => waits, set: (value) => { waits = value; } });
  Object.assign(context, { succeed, done, fail: (error) => reject(isGiven(error) ? error : 'handled') });
  attempt(reject, () => {
    returned = handler(event, context, callback);
    if (isPromise(returned)) returned.then(succeed, reject);
  });
  return {
    loopIsEmpty: () => {
      if (isPromise(returned) && !pending) reject(new errors.NodeJsExit(NEVER_SETTLED));
      else succeed(pending ? pending.result : null);
    },
  };
}

function stream(handler, event, meta, resolve, reject) {
  const body = new ResponseStream();
  const finished = new Promise((ok, failed) => body.on('finish', ok).on('error', failed));
  attempt(reject, () => {
    Promise.all([handler(event, body, describe(meta)), finished]).then(() => resolve(''), reject);
  });
  return { loopIsEmpty: () => reject(new errors.NodeJsExit(NEVER_SETTLED)) };
}

function attempt(reject, action) {
  try {
    action();
  } catch (error) {
    reject(error);
  }
}

// What JSON cannot say (cycles, BigInt) is the function's error; what it leaves out (undefined, functions) is null.
function settle(resolve, reject, result) {
  try {
    resolve(JSON.stringify(result) ?? 'null');
  } catch {
    reject(new Error('Unable to stringify response body'));
  }
}

function isGiven(error) {
  return error !== undefined && error !== null;
}

function isPromise(value) {
  return typeof value?.then === 'function';
}

function describe(meta) {
  const { env } = process;
  return {
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: meta.client_context ? JSON.parse(meta.client_context) : undefined,
    identity: meta.cognito_identity ? JSON.parse(meta.cognito_identity) : undefined,
    invokedFunctionArn: meta.invoked_function_arn,
    awsRequestId: meta.aws_request_id,
    getRemainingTimeInMillis: () => meta.deadline_ms - Date.now(),
  };
}

module.exports = { run };

'use strict';
// The Node runtime of an execution environment: what stands where AWS has /var/runtime/index.mjs.
//
// One process lives through this file from top to bottom: it boots and warms up while it waits in the pool, is
// assigned to one function version (frame `assign`), loads its handler, and then answers invocations one by one until
// the platform closes the channel. Between two invocations it sits in a blocking read, so the event loop stands
// still: that is AWS's freeze, and timers a handler left behind go on during the next invocation.
//
// channel.cjs      frames over file descriptor 3
// handler.cjs      "dir/file.export" -> function
// invocation.cjs   one event through the handler, in each of the styles AWS has had since 2014
// response_stream.cjs, log_lines.cjs, module_path.cjs, errors.cjs, sdk_v2.cjs   what the function sees of the runtime
//
// Started as `node bootstrap.cjs` with the channel as descriptor 3; see channel.cjs for the order of frames.
const path = require('node:path');
const v8 = require('node:v8');
const channel = require('./channel.cjs');
const errors = require('./errors.cjs');
const handlers = require('./handler.cjs');
const invocation = require('./invocation.cjs');
const logLines = require('./log_lines.cjs');
const modulePath = require('./module_path.cjs');
const responseStream = require('./response_stream.cjs');
const sdkV2 = require('./sdk_v2.cjs');

// Most functions need these; loading them here costs the pool and not the first invocation.
const PRELOADED = ['http', 'https', 'net', 'tls', 'crypto', 'zlib', 'stream/promises', 'util', 'events', 'url',
  'querystring', 'os', 'buffer', 'timers/promises', 'child_process', 'fs/promises', 'dns', 'perf_hooks'];

// AWS's exit statuses for the two faults nobody caught, and Node's own for a top-level await that never settles.
const EXIT_UNHANDLED_REJECTION = 128;
const EXIT_UNCAUGHT_EXCEPTION = 129;
const EXIT_UNSETTLED_AWAIT = 13;

// V8 lets the young generation grow to 16 MiB and more before it collects, which alone drives a function of 128 MB
// into its limit. AWS starts Node with a smaller one; a process that already runs can still be kept from growing it.
// Measured with Node 24 on 20 MB of live data: 189 MB resident before, 107 MB after, at half the allocation speed.
const ROOMY_MB = 512;
const KEEP_YOUNG_GENERATION_SMALL = '--semi-space-growth-factor=1';

async function main() {
  logLines.install();
  responseStream.install();
  sdkV2.install();
  await warmUp();
  channel.send(channel.READY);
  const assignment = JSON.parse(channel.receive(channel.ASSIGN).toString());
  process.on('uncaughtException', (error) => die('Uncaught Exception', error, EXIT_UNCAUGHT_EXCEPTION));
  process.on('unhandledRejection', (reason, promise) => die('Unhandled Promise Rejection',
    new errors.UnhandledPromiseRejection(reason, promise), EXIT_UNHANDLED_REJECTION));
  const handler = await initialize(assignment);
  channel.send(channel.READY);
  await serve(handler);
}

// Takes the lazy parts of Node (CommonJS and ESM loaders, JSON, promises, timers) through their first use.
async function warmUp() {
  for (const name of PRELOADED) require(name);
  process.env.AWS_EXECUTION_ENV = 'AWS_Lambda_nodejs';
  const meta = { aws_request_id: '', deadline_ms: Date.now(), invoked_function_arn: '', trace_id: '' };
  for (const name of ['index.handler', 'index.callback', 'esm.handler']) {
    const handler = await handlers.load(name, path.join(__dirname, 'warm'));
    await invocation.run(handler, '{"warm": [1, "two", null]}', meta);
  }
  logLines.format('INFO', ['%s', { warm: true }]);
  Object.keys(require.cache).filter((file) => file.includes('/warm/')).forEach((file) => delete require.cache[file]);
}

async function initialize({ handler, env, task_root: taskRoot }) {
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  process.env.PATH = [path.dirname(process.execPath), ...(env.PATH ?? '').split(':').filter(Boolean)].join(':');
  modulePath.apply(defaultModulePath(taskRoot));
  process.chdir(taskRoot);
  if (Number(env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE) < ROOMY_MB) v8.setFlagsFromString(KEEP_YOUNG_GENERATION_SMALL);
  process.exitCode = EXIT_UNSETTLED_AWAIT;
  const loaded = await handlers.load(handler, taskRoot);
  process.exitCode = undefined;
  return loaded;
}

// Where modules are looked for besides the function's own node_modules: layers first, as on AWS.
function defaultModulePath(taskRoot) {
  const major = process.versions.node.split('.')[0];
  const runtime = process.env.LAMBDA_RUNTIME_DIR ?? '/var/runtime';
  return [`/opt/nodejs/node${major}/node_modules`, '/opt/nodejs/node_modules', `${runtime}/node_modules`,
    runtime, taskRoot];
}

async function serve(handler) {
  for (;;) {
    const frame = channel.receive(channel.INVOKE);
    const metaLength = frame.readUInt16BE(0);
    const meta = JSON.parse(frame.toString('utf8', 2, 2 + metaLength));
    const event = frame.toString('utf8', 2 + metaLength);
    logLines.setRequestId(meta.aws_request_id);
    if (meta.trace_id) process.env._X_AMZN_TRACE_ID = meta.trace_id;
    const { type, payload } = await invocation.run(handler, event, meta);
    // One turn of the loop first, so that a rejection nobody handled counts against the invocation that caused it.
    await new Promise(setImmediate);
    channel.send(type, payload);
  }
}

// A fault of the function that AWS answers by ending the process; `what` is how its log line begins.
function die(what, error, status) {
  logLines.error(what, error);
  channel.send(channel.FATAL, errors.document(error));
  process.exit(status);
}

main().catch((error) => die('Uncaught Exception', error, EXIT_UNCAUGHT_EXCEPTION));

'use strict';
// "dir/file.export" -> the function it names. CommonJS and ES modules; package.json's `type`, .mjs and .cjs as Node
// has them. https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html
const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const errors = require('./errors.cjs');

const EXTENSIONS = ['', '.js', '.mjs', '.cjs'];
const REQUIRE_REFUSES_ESM = new Set(['ERR_REQUIRE_ESM', 'ERR_REQUIRE_ASYNC_MODULE']);
const LAST_MAJOR_WITH_CALLBACKS = 22;
const CALLBACKS_ARE_GONE = 'ERROR: AWS Lambda has removed support for callback-based function handlers starting with' +
  ' Node.js 24. You need to modify this function to use a supported handler signature to use Node.js 24 or later.' +
  ' For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.';

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');

// Rejects with the runtime fault AWS reports, or with whatever the module threw while it was evaluated.
async function load(name, root) {
  const { directory, file, exported } = parse(name);
  const module = await evaluate(path.resolve(root, directory), file, root);
  const handler = pick(module, exported, name);
  if (handler.length >= 3 && !handler[STREAMING] && !servesCallbacks()) {
    throw new errors.CallbackHandlerDeprecated(CALLBACKS_ARE_GONE);
  }
  return handler;
}

// The function's runtime decides, not the Node that happens to run it: AWS dropped callbacks with nodejs24.x.
function servesCallbacks() {
  const [, major] = /nodejs(\d+)/.exec(process.env.AWS_EXECUTION_ENV ?? '') ?? [];
  return major === undefined || Number(major) <= LAST_MAJOR_WITH_CALLBACKS;
}

function parse(name) {
  if (name.includes('..')) {
    throw new errors.MalformedHandlerName(`'${name}' is not a valid handler name. Use absolute paths when` +
      ' specifying root directories in handler names.');
  }
  const slash = name.lastIndexOf('/') + 1;
  const dot = name.indexOf('.', slash);
  if (dot < 0) throw new errors.MalformedHandlerName('Bad handler');
  return { directory: name.slice(0, slash), file: name.slice(slash, dot), exported: name.slice(dot + 1).split('.') };
}

async function evaluate(directory, file, root) {
  try {
    const found = EXTENSIONS.map((extension) => path.join(directory, file + extension)).find(isFile);
    return await open(found ?? require.resolve(file, { paths: [root, directory] }));
  } catch (error) {
    if (error instanceof SyntaxError) throw new errors.UserCodeSyntaxError(error);
    // AWS leaves the ES module loader's own code for this, ERR_MODULE_NOT_FOUND, as the plain Error it is.
    if (error?.code === 'MODULE_NOT_FOUND') throw new errors.ImportModuleError(error);
    throw error;
  }
}

function isFile(name) {
  return fs.statSync(name, { throwIfNoEntry: false })?.isFile() ?? false;
}

async function open(file) {
  if (isESModule(file)) return import(pathToFileURL(file));
  try {
    return require(file);
  } catch (error) {
    if (REQUIRE_REFUSES_ESM.has(error?.code)) return import(pathToFileURL(file));
    throw error;
  }
}

// By extension, else by the nearest package.json, as Node decides.
function isESModule(file) {
  if (/\.[cm]js$/.test(file)) return file.endsWith('.mjs');
  for (let directory = path.dirname(file); ; directory = path.dirname(directory)) {
    const description = path.join(directory, 'package.json');
    if (isFile(description)) return JSON.parse(fs.readFileSync(description, 'utf8')).type === 'module';
    if (directory === path.dirname(directory)) return false;
  }
}

// An ES module that Node made of CommonJS has its exports under `default` only.
function pick(module, exported, name) {
  const descend = (from) => exported.reduce((value, key) => value?.[key], from);
  const handler = descend(module) ?? descend(module.default);
  if (handler === undefined || handler === null) {
    throw new errors.HandlerNotFound(`${name} is undefined or not exported`);
  }
  if (typeof handler !== 'function') throw new errors.HandlerNotFound(`${name} is not a function`);
  return handler;
}

module.exports = { load, servesCallbacks, STREAMING };

'use strict';
// NODE_PATH for a process that already runs, and for both kinds of modules.
//
// CommonJS reads the variable once at start; ES modules do not know it at all, but AWS's runtimes have looked there for
// them since Node 18, which is how layers work for ES modules:
// https://aws.amazon.com/blogs/compute/node-js-18-x-runtime-now-available-in-aws-lambda/
const fs = require('node:fs');
const path = require('node:path');
const nodeModule = require('node:module');
const { pathToFileURL } = require('node:url');

const BARE = /^(?![./]|[a-z][a-z+.-]*:)/i;

function apply(directories) {
  process.env.NODE_PATH ??= directories.join(':');
  nodeModule.Module._initPaths();
  const parents = process.env.NODE_PATH.split(':').filter(isModulesDirectory).map(asParent);
  if (parents.length > 0 && nodeModule.registerHooks) nodeModule.registerHooks({ resolve: lookIn(parents) });
}

function isModulesDirectory(directory) {
  return path.basename(directory) === 'node_modules' && fs.existsSync(directory);
}

// A file that, if it existed, would find its packages in `directory`.
function asParent(directory) {
  return pathToFileURL(path.join(path.dirname(directory), 'index.mjs')).href;
}

// Whatever Node finds itself comes first.
function lookIn(parents) {
  return function resolve(specifier, context, next) {
    try {
      return next(specifier, context);
    } catch (error) {
      if (error?.code !== 'ERR_MODULE_NOT_FOUND' || !BARE.test(specifier)) throw error;
      return firstFound(parents, (parentURL) => next(specifier, { ...context, parentURL }), error);
    }
  };
}

function firstFound(candidates, attempt, error) {
  for (const candidate of candidates) {
    try {
      return attempt(candidate);
    } catch (fault) {
      if (fault?.code !== 'ERR_MODULE_NOT_FOUND') throw fault;
    }
  }
  throw error;
}

module.exports = { apply };

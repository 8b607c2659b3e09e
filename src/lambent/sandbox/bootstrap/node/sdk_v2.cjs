'use strict';
// Makes a plain `new AWS.S3()` of the AWS SDK for JavaScript v2 reach the endpoint in AWS_ENDPOINT_URL.
//
// Version 3, boto3 and every other current SDK read that variable themselves; v2 was retired without learning it, and
// its functions would call the real AWS. So when the function's own copy of aws-sdk loads its configuration class, the
// *defaults* of two settings change: `endpoint` is the variable's value, and S3 addresses buckets by path. What the
// function sets itself still wins. An SDK that was bundled into one file is out of reach: it needs `endpoint` in the
// code (docs/runtimes.md).
const { Module } = require('node:module');

const CONFIGURATION = /[\\/]aws-sdk[\\/]lib[\\/]config\.js$/;

function install() {
  const load = Module._extensions['.js'];
  Module._extensions['.js'] = function loadModule(module, filename) {
    load(module, filename);
    if (CONFIGURATION.test(filename)) pointAtPlatform(module.require('./core'));
  };
}

function pointAtPlatform(AWS) {
  const { keys } = AWS.Config.prototype;
  keys.endpoint = () => process.env.AWS_ENDPOINT_URL;
  keys.s3ForcePathStyle = () => Boolean(process.env.AWS_ENDPOINT_URL);
  AWS.config.endpoint ??= keys.endpoint();
  AWS.config.s3ForcePathStyle ||= keys.s3ForcePathStyle();
}

module.exports = { install };

'use strict';
// Two handlers that take the runtime's machinery through its first use while it waits in the pool.
exports.handler = async (event) => ({ statusCode: 200, body: JSON.stringify(event) });
exports.callback = (event, context, callback) => {
  context.callbackWaitsForEmptyEventLoop = false;
  setImmediate(callback, null, { remaining: context.getRemainingTimeInMillis() });
};

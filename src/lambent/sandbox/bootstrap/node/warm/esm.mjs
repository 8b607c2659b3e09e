// The same for the ES module loader; see index.js.
export const handler = async () => ({ statusCode: 200 });

// Runs one scenario: `node scenarios.mjs sdk_v3.mjs putAndGet`. A scenario is an exported async function that asserts;
// it gets a name that no other run uses. Endpoint, region and credentials are in the environment.
const [, , file, name, unique] = process.argv;
const scenarios = await import(`./${file}`);
await scenarios[name](unique);

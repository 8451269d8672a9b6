// The Backstage that tests load entities and templates into; `node index.js --config FILE`.
const { createBackend } = require('@backstage/backend-defaults');

const backend = createBackend();
for (const name of [
  '@backstage/plugin-auth-backend',
  '@backstage/plugin-auth-backend-module-guest-provider',
  '@backstage/plugin-catalog-backend',
  '@backstage/plugin-catalog-backend-module-logs', // without it a wrong entity leaves no line
  '@backstage/plugin-catalog-backend-module-openapi',
  '@backstage/plugin-catalog-backend-module-scaffolder-entity-model',
  '@backstage/plugin-events-backend',
  '@backstage/plugin-scaffolder-backend',
]) {
  backend.add(import(name));
}
backend.start();

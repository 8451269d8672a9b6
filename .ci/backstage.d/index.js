// The Backstage that tests load entities and templates into:
//   node index.js FOLDER-WITH-NODE_MODULES --config FILE
const path = require('node:path');
const load = require('node:module').createRequire(path.join(process.argv[2], 'package.json'));

const { createBackend } = load('@backstage/backend-defaults');
const { createBackendModule } = load('@backstage/backend-plugin-api');
const scaffolder = load('@backstage/plugin-scaffolder-node');

// Pushes a workspace as a branch of a bare repository, by the function of Backstage's own `publish`
// actions; it stands where a template proposes a change at a forge.
const push = scaffolder.createTemplateAction({
  id: 'tests:git:push',
  schema: {
    input: { remoteUrl: z => z.string(), branch: z => z.string(), title: z => z.string() },
    output: { remoteUrl: z => z.string() },
  },
  async handler(context) {
    const { remoteUrl, branch, title } = context.input;
    await scaffolder.initRepoAndPush({
      dir: context.workspacePath,
      remoteUrl,
      auth: { username: 'tests', password: 'none' },
      logger: context.logger,
      defaultBranch: branch,
      commitMessage: title,
    });
    context.output('remoteUrl', remoteUrl);
  },
});

const backend = createBackend();
for (const name of [
  '@backstage/plugin-app-backend', // its pages
  '@backstage/plugin-auth-backend',
  '@backstage/plugin-auth-backend-module-guest-provider',
  '@backstage/plugin-catalog-backend',
  '@backstage/plugin-catalog-backend-module-logs', // without it a wrong entity leaves no line
  '@backstage/plugin-catalog-backend-module-openapi',
  '@backstage/plugin-catalog-backend-module-scaffolder-entity-model',
  '@backstage/plugin-events-backend',
  '@backstage/plugin-scaffolder-backend',
]) {
  backend.add(load(name).default);
}
backend.add(
  createBackendModule({
    pluginId: 'scaffolder',
    moduleId: 'tests',
    register(env) {
      env.registerInit({
        deps: { actions: scaffolder.scaffolderActionsExtensionPoint },
        async init({ actions }) {
          actions.addActions(push);
        },
      });
    },
  }),
);
backend.start();

// The Backstage that tests load entities and templates into:
//   node index.js FOLDER-WITH-NODE_MODULES --config FILE
const fs = require('node:fs/promises');
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

// Proposes a workspace at the forge of FORGE_URL, a Gitea, by FORGE_TOKEN: a commit on a branch, and a pull
// request. It takes what the rendered `publish:github:pull-request` is given, and stands in its place.
async function ask(where, body, token = process.env.FORGE_TOKEN) {
  const answer = await fetch(`${process.env.FORGE_URL}/api/v1/${where}`, {
    method: 'POST',
    headers: {
      Authorization: `token ${token}`,
      'Content-Type': 'application/json',
    },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${where}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}
const propose = scaffolder.createTemplateAction({
  id: 'tests:forge:propose',
  schema: {
    input: {
      repoUrl: z => z.string(),
      branchName: z => z.string(),
      title: z => z.string(),
      description: z => z.string(),
      targetBranchName: z => z.string(),
    },
    output: { remoteUrl: z => z.string() },
  },
  async handler(context) {
    const { repoUrl, branchName, title, description, targetBranchName } = context.input;
    const named = new URL(`https://${repoUrl}`).searchParams;
    const repository = `repos/${named.get('owner')}/${named.get('repo')}`;
    const found = await fs.readdir(context.workspacePath, {
      recursive: true,
      withFileTypes: true,
    });
    const files = await Promise.all(
      found
        .filter(one => one.isFile())
        .map(async one => {
          const file = path.join(one.parentPath ?? one.path, one.name);
          const content = await fs.readFile(file, 'base64');
          return { operation: 'create', path: path.relative(context.workspacePath, file), content };
        }),
    );
    const to = { branch: targetBranchName, new_branch: branchName };
    await ask(`${repository}/contents`, { ...to, message: title, files });
    const of = { base: targetBranchName, head: branchName };
    const made = await ask(`${repository}/pulls`, { ...of, title, body: description });
    context.output('remoteUrl', made.html_url);
  },
});

// Makes a repository of a workspace at that forge, its default branch protected where it is asked for, by
// FORGE_OWNER_TOKEN. It takes what the rendered `publish:github` is given, and stands in its place.
const publish = scaffolder.createTemplateAction({
  id: 'tests:forge:publish',
  schema: {
    input: {
      repoUrl: z => z.string(),
      repoVisibility: z => z.string(),
      defaultBranch: z => z.string(),
      gitCommitMessage: z => z.string(),
      protectDefaultBranch: z => z.boolean(),
      requiredApprovingReviewCount: z => z.number(),
    },
    output: { remoteUrl: z => z.string() },
  },
  async handler(context) {
    const { repoUrl, repoVisibility, defaultBranch, gitCommitMessage } = context.input;
    const named = new URL(`https://${repoUrl}`).searchParams;
    const [owner, name] = [named.get('owner'), named.get('repo')];
    const token = process.env.FORGE_OWNER_TOKEN;
    const about = { private: repoVisibility === 'private', default_branch: defaultBranch };
    const made = await ask(`orgs/${owner}/repos`, { name, ...about }, token);
    await scaffolder.initRepoAndPush({
      dir: context.workspacePath,
      remoteUrl: `${process.env.FORGE_URL}/${owner}/${name}.git`,
      auth: { username: 'owner', password: token },
      logger: context.logger,
      defaultBranch,
      commitMessage: gitCommitMessage,
    });
    if (context.input.protectDefaultBranch) {
      const required_approvals = context.input.requiredApprovingReviewCount;
      const rule = { rule_name: defaultBranch, enable_push: false, required_approvals };
      await ask(`repos/${owner}/${name}/branch_protections`, rule, token);
    }
    context.output('remoteUrl', made.html_url);
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
          actions.addActions(push, propose, publish);
        },
      });
    },
  }),
);
backend.start();

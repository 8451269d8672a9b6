// The pages that the tests open: catalogue, entity, graph, APIs, Create.
import { createApp } from '@backstage/frontend-defaults';
import apiDocsPlugin from '@backstage/plugin-api-docs/alpha';
import catalogPlugin from '@backstage/plugin-catalog/alpha';
import catalogGraphPlugin from '@backstage/plugin-catalog-graph/alpha';
import orgPlugin from '@backstage/plugin-org/alpha';
import scaffolderPlugin from '@backstage/plugin-scaffolder/alpha';

export default createApp({
  features: [apiDocsPlugin, catalogPlugin, catalogGraphPlugin, orgPlugin, scaffolderPlugin],
});

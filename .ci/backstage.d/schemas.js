// Prints the schemas of Backstage's entities as one JSON document, without texts for a reader:
// src/tarmac/assets/portal/entities.json, by which Tarmac judges entities without Backstage.
//   node schemas.js FOLDER-WITH-NODE_MODULES
const fs = require('fs');
const path = require('path');

const home = path.join(process.argv[2], 'node_modules/@backstage/catalog-model');
const folder = path.join(home, 'dist/schema');
const KINDS = ['API', 'Component', 'Domain', 'Group', 'Location', 'Resource', 'System', 'User'];
const TEXTS = ['$id', '$schema', 'description', 'examples', 'title'];

function schemaIn(file) {
  const found = require(path.join(folder, `${file}.schema.json.cjs.js`));
  return found.default ?? found;
}

// A reference is another schema's id, or a definition of `common` by its anchor.
function reference(text) {
  const [name, anchor] = text.split('#');
  return anchor ? `#/$defs/${name || 'common'}/definitions/${anchor}` : `#/$defs/${name}`;
}

// `named`: the keys here are an entity's own (`title`, `description`), no words of a schema.
function bare(value, named = false) {
  if (Array.isArray(value)) return value.map(item => bare(item));
  if (value === null || typeof value !== 'object') return value;
  const kept = Object.entries(value).filter(([key]) => named || !TEXTS.includes(key));
  return Object.fromEntries(
    kept.map(([key, item]) => [
      key,
      key === '$ref' ? reference(item) : bare(item, key === 'properties' && !named),
    ]),
  );
}

const $defs = { common: bare(schemaIn('shared/common')) };
for (const name of ['Entity', 'EntityMeta']) $defs[name] = bare(schemaIn(name));
for (const kind of KINDS) $defs[kind] = bare(schemaIn(`kinds/${kind}.v1alpha1`));
const { name, version } = JSON.parse(fs.readFileSync(path.join(home, 'package.json')));
console.log(JSON.stringify({ package: name, version, kinds: KINDS, $defs }, null, 1));

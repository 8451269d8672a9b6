// The drawing of a system: its nodes in layers from the entry to the stores, and the edges between them.

import { graphlib, layout } from "./vendor/dagre.js";
import { address, place } from "./state.js";
import { amount, bytes, duration, health, html, serviceOf } from "./ui.js";

/** @typedef {import("./vendor/dagre.js").graphlib.Graph} Graph */
/** @typedef {{ x: number, y: number }} Point */
/** @import { Activity, DrawnEdge, Edge as DeclaredEdge, Group, Node as Instance, RunningSystem } from "./answers.d.ts" */

/** Who uses an edge from outside the system. */
const WORLD = "world";

const WIDTH = 156;
/** What an edge says takes so much room. */
const LABEL = { width: 84, height: 16, labelpos: "c" };
const HEIGHT = 52;
const MARGIN = 14;

/**
 * One node for each service or store, of all its instances.
 * @param {Instance[]} nodes
 * @param {Activity[]} activities
 */
export function grouped(nodes, activities) {
  /** @type {Map<string, Group>} */
  const groups = new Map();
  const known = new Map(activities.map((activity) => [activity.name, activity]));
  for (const node of nodes) {
    if (node.role === "task") continue;
    const name = serviceOf(node.name);
    const group = groups.get(name) || { name, role: node.role, about: node.about, nodes: [], activity: known.get(name) };
    group.nodes.push(node);
    groups.set(name, group);
  }
  return groups;
}

/** What is chosen besides a node. */
function options() {
  return Object.fromEntries(place.value.options);
}

/**
 * How a group is: as bad as the worst of its instances.
 * @param {Group} group
 */
export function healthOf(group) {
  const found = group.nodes.map((node) => (node.failed ? "failed" : health(node.state)));
  if (found.includes("failed")) return "failed";
  if (found.includes("changing")) return "changing";
  return found.includes("well") ? "well" : "off";
}

/**
 * The edges that are drawn: between nodes that are there, and connections that nothing declares.
 * @param {RunningSystem} now
 * @param {Map<string, Group>} groups
 * @returns {DrawnEdge[]}
 */
export function edgesOf(now, groups) {
  /** @type {DrawnEdge[]} */
  const undeclared = now.undeclared.map((edge) => ({ ...edge, undeclared: true }));
  return [...now.edges, ...undeclared].filter((edge) => edge.source !== WORLD && groups.has(edge.source) && groups.has(edge.target));
}

/**
 * The last layout and what it was of: states and rates change much more often than names.
 * @type {{ of: string, graph: Graph | null }}
 */
let drawn = { of: "", graph: null };

/**
 * @param {Map<string, Group>} groups
 * @param {DrawnEdge[]} edges
 */
export function laidOut(groups, edges) {
  const of = JSON.stringify([[...groups.keys()], edges.map((edge) => [edge.source, edge.target])]);
  if (drawn.of === of && drawn.graph) return drawn.graph;
  const graph = layOut(groups, edges);
  drawn = { of, graph };
  return graph;
}

/**
 * @param {Map<string, Group>} groups
 * @param {DrawnEdge[]} edges
 * @returns {Graph}
 */
function layOut(groups, edges) {
  const graph = new graphlib.Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 18, edgesep: 14, ranksep: 18, marginx: 12, marginy: 12 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const group of groups.values()) graph.setNode(group.name, { width: WIDTH, height: HEIGHT });
  for (const edge of edges) graph.setEdge(edge.source, edge.target, { ...LABEL });
  layout(graph);
  return graph;
}

/**
 * Draw a curve along points: through the middle between each two, the points themselves pull it.
 * @param {Point[]} points
 */
function path(points) {
  const middle = (/** @type {Point} */ one, /** @type {Point} */ other) => `${(one.x + other.x) / 2},${(one.y + other.y) / 2}`;
  const [first, ...rest] = points;
  const last = points[points.length - 1];
  const curves = rest.slice(0, -1).map((point, index) => `Q${point.x},${point.y} ${middle(point, rest[index + 1])}`);
  return `M${first.x},${first.y}L${middle(first, rest[0])}${curves.join("")}L${last.x},${last.y}`;
}

/**
 * How much room a drawing takes: edges may go around the nodes.
 * @param {Graph} graph
 */
export function size(graph) {
  const points = graph.edges().flatMap((edge) => /** @type {Point[]} */ (graph.edge(edge).points));
  const { width, height } = graph.graph();
  const most = (/** @type {"x" | "y"} */ axis, /** @type {number} */ least) => Math.max(least, ...points.map((point) => point[axis] + MARGIN));
  return { width: most("x", width), height: most("y", height) };
}

/** @param {DeclaredEdge} edge */
function traffic(edge) {
  if (edge.requests_per_s) return `${amount(edge.requests_per_s)}/s · ${duration(edge.p95_s)}`;
  if (edge.requests) return `${amount(edge.requests.requests)} req · ${duration(edge.requests.p95_s)}`;
  return edge.connections ? `${edge.connections} conn.` : "";
}

/**
 * All that is known of an edge, in words.
 * @param {DrawnEdge} edge
 */
function words(edge) {
  const name = `${edge.source} to ${edge.target}`;
  if (edge.undeclared) return `${name}: not declared; if it should be, add ${edge.declaration} to services.${edge.source}`;
  if (edge.unused) return `${name}: declared, never used in this run`;
  if (!edge.requests) return `${name}: ${edge.connections ?? 0} connections`;
  const { requests, failed, p50_s: p50, p95_s: p95, p99_s: p99 } = edge.requests;
  return `${name}: ${requests} requests, ${failed} failed; half within ${duration(p50)}, 95 % ${duration(p95)}, 99 % ${duration(p99)}`;
}

/**
 * Which of the filter's kinds an edge is of; none where nothing counts its use.
 * @param {DrawnEdge} edge
 */
export function kindOf(edge) {
  if (edge.undeclared) return "undeclared";
  if (edge.requests ? edge.failed_per_s : edge.errors) return "failed";
  if (edge.connections === null) return "uncounted";
  return edge.unused ? "unused" : "used";
}

/**
 * What is used is drawn upon what is not, and what is wrong upon both.
 * @param {DrawnEdge} edge
 */
function front(edge) {
  return ["unused", "uncounted", "used", "failed", "undeclared"].indexOf(kindOf(edge));
}

/** @param {{ graph: Graph, edge: DrawnEdge, chosen: Group | undefined }} props */
function Edge({ graph, edge, chosen }) {
  const { points, x, y } = graph.edge(edge.source, edge.target);
  const aside = chosen && edge.source !== chosen.name && edge.target !== chosen.name;
  return html`<g class="edge ${kindOf(edge)} ${aside ? "aside" : ""}">
    <title>${words(edge)}</title>
    <path d=${path(points)} marker-end="url(#arrow)" />
    <text x=${x} y=${y - 4}>${edge.undeclared ? "undeclared" : traffic(edge)}</text>
  </g>`;
}

/**
 * What its processes use now.
 * @param {Group} group
 */
function load({ activity }) {
  if (!activity || activity.memory_bytes === null) return "";
  const cpu = activity.cpu_share === null ? "" : `${Math.round(100 * activity.cpu_share)} % CPU · `;
  return `${cpu}${bytes(activity.memory_bytes)}`;
}

/** @param {{ graph: Graph, group: Group, chosen: boolean, view: string }} props */
function Node({ graph, group, chosen, view }) {
  const { x, y } = graph.node(group.name);
  const count = group.nodes.length > 1 ? ` ×${group.nodes.length}` : "";
  const state = healthOf(group);
  const label = `${group.name}${count}: ${group.nodes.map((node) => node.state).join(", ")}`;
  return html`<a href=${address(view, chosen ? "" : group.name, view === "graph" ? options() : {})} draggable=${false}>
    <title>${label}</title>
    <g class="node ${group.role} ${state} ${chosen ? "chosen" : ""}"
       transform="translate(${x - WIDTH / 2},${y - HEIGHT / 2})">
      <rect width=${WIDTH} height=${HEIGHT} rx="8" />
      <circle cx="16" cy="19" r="5" />
      <text x="28" y="23" class="title">${group.name}${count}</text>
      <text x="28" y="41" class="about">${load(group) || group.about.slice(0, 24)}</text>
    </g>
  </a>`;
}

/**
 * Draw nodes and edges.
 * @param {object} props
 * @param {Map<string, Group>} props.groups
 * @param {Graph} props.graph
 * @param {DrawnEdge[]} props.edges
 * @param {Group | undefined} props.chosen the group whose edges stand out, if there is one.
 * @param {string} props.view the view that a node leads to.
 * @param {number} props.zoom how large, of its own size; 0: as wide as there is room, down to where it can be read.
 */
export function Drawing({ groups, graph, edges, chosen, zoom, view }) {
  const { width, height } = size(graph);
  const style = zoom ? { width: `${width * zoom}px` } : { width: `${width}px`, "--width": `${width}px` };
  return html`<svg viewBox="0 0 ${width} ${height}" class=${zoom ? "zoomed" : ""} style=${style} role="group"
      aria-label="The system: services, stores, and the edges between them">
    <defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
      <path d="M0,0L8,4L0,8z" />
    </marker></defs>
    ${[...edges].sort((one, other) => front(one) - front(other)).map((edge) => html`<${Edge} key=${edge.source + edge.target + (edge.undeclared ? edge.address : edge.port)} graph=${graph} edge=${edge} chosen=${chosen} />`)}
    ${[...groups.values()].map((group) => html`
      <${Node} key=${group.name} graph=${graph} group=${group} chosen=${group === chosen} view=${view} />`)}
  </svg>`;
}

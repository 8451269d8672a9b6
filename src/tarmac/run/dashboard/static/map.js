// The graph: who calls whom, and how all of them are. Found by name, enlarged, moved about.

import { useEffect, useRef, useState } from "./vendor/preact-hooks.js";
import { Actions } from "./actions.js";
import { Drawing, edgesOf, grouped, kindOf, laidOut, size } from "./graph.js";
import { Edges, Instances, Variables } from "./service.js";
import { address, choose, place, system } from "./state.js";
import { Empty, choosing, given, html, stay } from "./ui.js";

/** @import { DrawnEdge, Edge, Group } from "./answers.d.ts" */

/**
 * Edges by what went over them, and how the filter calls them.
 * @type {Record<string, string>}
 */
const KINDS = { used: "used", unused: "never used in this run", failed: "with failures", undeclared: "not declared" };
const STEP = 1.4;
const [LEAST, MOST] = [0.1, 4];
/** A press that moves so far moves the drawing, and is no click. */
const CLICK_PX = 4;

/**
 * Choose what is drawn, and how large.
 * @param {{ edges: DrawnEdge[], wanted: string, names: string[], frame: Frame, graph: import("./graph.js").Graph }} props
 */
function Filter({ edges, wanted, names, frame, graph }) {
  const count = (/** @type {string} */ kind) => edges.filter((edge) => kindOf(edge) === kind).length;
  const { width, height } = size(graph);
  const [missed, setMissed] = useState("");
  const enlarge = (/** @type {number} */ factor) => {
    const now = (frame.current?.querySelector("svg")?.clientWidth ?? width) / width;
    choose({ zoom: Math.min(MOST, Math.max(LEAST, now * factor)).toFixed(2) });
  };
  const whole = () => {
    if (!frame.current) return;
    const room = frame.current.getBoundingClientRect();
    const least = Math.min(room.width / width, (innerHeight - room.top - scrollY - 16) / height, 1);
    choose({ zoom: Math.max(LEAST, Math.floor(least * 100) / 100).toFixed(2) });
  };
  const find = (/** @type {string} */ words) => {
    const part = words.trim().toLowerCase();
    const found = names.includes(part) ? part : names.find((name) => name.includes(part));
    if (part && found) choose({}, found);
    setMissed(found ? "" : part);
  };
  return html`<form class="filters" onSubmit=${stay}>
    <label>Find <input type="search" list="names" size="20" onChange=${given(find)} /></label>
    ${missed && html`<span role="status">no name has ${missed} in it</span>`}
    <datalist id="names">${names.map((name) => html`<option value=${name} />`)}</datalist>
    <label>Edges <select value=${wanted} onChange=${choosing("edges")}>
      <option value="">all ${edges.length}</option>
      ${Object.entries(KINDS).map(([kind, title]) => html`<option value=${kind}>${title} (${count(kind)})</option>`)}
    </select></label>
    <span class="actions" role="group" aria-label="Size">
      <button type="button" onClick=${() => enlarge(1 / STEP)} aria-label="Smaller">−</button>
      <button type="button" onClick=${() => enlarge(STEP)} aria-label="Larger">+</button>
      <button type="button" onClick=${whole}>All of it</button>
      <button type="button" onClick=${() => choose({ zoom: "" })}>Readable</button>
    </span>
  </form>`;
}

/** @typedef {{ current: HTMLElement | null }} Frame */
/** @typedef {{ current: { x: number, y: number, moved: boolean } | null }} Press */

/**
 * Say what moves a frame's content with the mouse; touch and wheel scroll it by themselves.
 * @param {Frame} frame
 * @param {Press} from where it was pressed
 */
function moving(frame, from) {
  return {
    onPointerDown: (/** @type {PointerEvent} */ { pointerType, button, clientX, clientY }) => {
      from.current = pointerType === "mouse" && button === 0 ? { x: clientX, y: clientY, moved: false } : null;
    },
    onPointerMove: (/** @type {PointerEvent} */ event) => {
      const began = from.current;
      if (!began || !frame.current || !(event.buttons & 1)) return;
      const [right, down] = [event.clientX - began.x, event.clientY - began.y];
      if (!began.moved && Math.hypot(right, down) < CLICK_PX) return;
      if (!began.moved) frame.current.setPointerCapture(event.pointerId);
      frame.current.scrollLeft -= right;
      frame.current.scrollTop -= down;
      from.current = { x: event.clientX, y: event.clientY, moved: true };
    },
    // A key's click has no detail: it is one, whatever the mouse did before.
    onClickCapture: (/** @type {UIEvent} */ event) => { if (event.detail && from.current?.moved) event.preventDefault(); },
  };
}

/**
 * Bring a chosen node into view, unless all of it is in view.
 * @param {Frame} frame
 * @param {string} name
 */
function useInView(frame, name) {
  useEffect(() => {
    const node = name && frame.current?.querySelector(".node.chosen");
    if (!node || !frame.current) return;
    const [box, room] = [node.getBoundingClientRect(), frame.current.getBoundingClientRect()];
    const seen = box.left >= room.left && box.right <= room.right && box.top >= room.top && box.bottom <= room.bottom;
    if (!seen) node.scrollIntoView({ block: "center", inline: "center" });
  }, [name]);
}

/**
 * The node that is chosen, beside the drawing.
 * @param {{ group: Group, edges: Edge[] }} props
 */
function Chosen({ group, edges }) {
  const { name, about, nodes, role } = group;
  return html`<aside aria-label="About ${name}">
    <h2><a href=${address("system", name)}>${name}</a></h2>
    <p>${about}</p>
    <p>
      ${role === "service" && html`<a href=${address("traces", "", { service: name })}>Its traces</a> ·
        <a href=${address("metrics", name)}> its metrics</a> · `}
      <a href=${address("logs", "", { node: name })}>its logs</a> · <a href=${address("graph", "", Object.fromEntries(place.value.options))}>close</a>
    </p>
    <${Actions} key=${name} group=${group} />
    <${Instances} nodes=${nodes} />
    <${Edges} name=${name} edges=${edges} />
    <${Variables} key=${name} name=${name} />
  </aside>`;
}

export function GraphView() {
  /** @type {Frame} */
  const frame = useRef(null);
  /** @type {Press} */
  const from = useRef(null);
  const now = system.value;
  const { argument, options } = place.value;
  useInView(frame, now ? argument : "");
  if (now === null) return html`<${Empty} title="Looking…" />`;
  if (now.nodes.length === 0) {
    return html`<${Empty} title="Nothing runs">Start the system with <code>tarmac up</code>.<//>`;
  }
  const groups = grouped(now.nodes, now.activities);
  const edges = edgesOf(now, groups);
  const graph = laidOut(groups, edges);
  const chosen = groups.get(argument);
  const asked = options.get("edges") || "";
  const wanted = KINDS[asked] ? asked : "";
  const shown = wanted ? edges.filter((edge) => kindOf(edge) === wanted) : edges;
  const zoom = Number(options.get("zoom")) || 0;
  return html`<${Filter} edges=${edges} wanted=${wanted} names=${[...groups.keys()]} frame=${frame} graph=${graph} />
    <div class="split">
      <div class="graph map" ref=${frame} ...${moving(frame, from)}>
        <${Drawing} groups=${groups} graph=${graph} edges=${shown} chosen=${chosen} zoom=${zoom} view="graph" />
      </div>
      ${chosen && html`<${Chosen} group=${chosen} edges=${now.edges} />`}
    </div>`;
}

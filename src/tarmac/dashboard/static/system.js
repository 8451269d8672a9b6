// The system as a graph: who calls whom, and how all of them are. Found by name, enlarged, moved about.

import { useEffect, useRef } from "./vendor/preact-hooks.js";
import { Drawing, grouped, kindOf, laidOut, size } from "./graph.js";
import { Details } from "./node.js";
import { choose, place, system } from "./state.js";
import { Empty, html } from "./ui.js";

/** Who uses an edge from outside the system. */
const WORLD = "world";
/** Edges by what went over them, and how the filter calls them. */
const KINDS = { used: "used", unused: "never used in this run", failed: "with failures", undeclared: "not declared" };
const STEP = 1.4;
const [LEAST, MOST] = [0.1, 4];
/** A press that moves so far moves the drawing, and is no click. */
const CLICK_PX = 4;

/** Choose what is drawn, and how large. */
function Filter({ edges, wanted, names, frame, graph }) {
  const count = (kind) => edges.filter((edge) => kindOf(edge) === kind).length;
  const { width, height } = size(graph);
  const enlarge = (factor) => {
    const now = frame.current.querySelector("svg").getBoundingClientRect().width / width;
    choose({ zoom: Math.min(MOST, Math.max(LEAST, now * factor)).toFixed(2) });
  };
  const whole = () => {
    const room = frame.current.getBoundingClientRect();
    const least = Math.min(room.width / width, (innerHeight - room.top - scrollY - 16) / height, 1);
    choose({ zoom: Math.max(LEAST, Math.floor(least * 100) / 100).toFixed(2) });
  };
  const find = (words) => {
    const found = names.includes(words) ? words : names.find((name) => name.includes(words.trim().toLowerCase()));
    if (words.trim() && found) choose({}, found);
  };
  return html`<form class="filters" onSubmit=${(event) => event.preventDefault()}>
    <label>Find <input type="search" list="names" size="20" onChange=${(event) => find(event.target.value)} /></label>
    <datalist id="names">${names.map((name) => html`<option value=${name} />`)}</datalist>
    <label>Edges <select value=${wanted} onChange=${(event) => choose({ edges: event.target.value })}>
      <option value="">all ${edges.length}</option>
      ${Object.entries(KINDS).map(([kind, title]) => html`<option value=${kind}>${title} (${count(kind)})</option>`)}
    </select></label>
    <span class="actions" role="group" aria-label="Size">
      <button type="button" onClick=${() => enlarge(1 / STEP)} aria-label="Smaller">−</button>
      <button type="button" onClick=${() => enlarge(STEP)} aria-label="Larger">+</button>
      <button type="button" onClick=${whole}>All of it</button>
      <button type="button" onClick=${() => choose({ zoom: "" })}>To read</button>
    </span>
  </form>`;
}

/** What moves a frame's content with the mouse; touch and wheel scroll it by themselves. */
function moving(frame, from) {
  return {
    onPointerDown: ({ pointerType, button, clientX, clientY }) => {
      from.current = pointerType === "mouse" && button === 0 ? { x: clientX, y: clientY, moved: false } : null;
    },
    onPointerMove: (event) => {
      const began = from.current;
      if (!began || !(event.buttons & 1)) return;
      const [right, down] = [event.clientX - began.x, event.clientY - began.y];
      if (!began.moved && Math.hypot(right, down) < CLICK_PX) return;
      if (!began.moved) frame.current.setPointerCapture(event.pointerId);
      frame.current.scrollLeft -= right;
      frame.current.scrollTop -= down;
      from.current = { x: event.clientX, y: event.clientY, moved: true };
    },
    onClickCapture: (event) => { if (from.current?.moved) event.preventDefault(); },
  };
}

/** Bring a chosen node into view, unless all of it is in view. */
function useInView(frame, name) {
  useEffect(() => {
    const node = name && frame.current?.querySelector(".node.chosen");
    if (!node) return;
    const [box, room] = [node.getBoundingClientRect(), frame.current.getBoundingClientRect()];
    const seen = box.left >= room.left && box.right <= room.right && box.top >= room.top && box.bottom <= room.bottom;
    if (!seen) node.scrollIntoView({ block: "center", inline: "center" });
  }, [name]);
}

export function System() {
  const frame = useRef(null);
  const from = useRef(null);
  const now = system.value;
  const { argument, options } = place.value;
  useInView(frame, now && argument);
  if (now === null) return html`<${Empty} title="Looking…" />`;
  if (now.nodes.length === 0) {
    return html`<${Empty} title="Nothing runs">Start the system with <code>tarmac up</code>.<//>`;
  }
  const groups = grouped(now.nodes, now.activities);
  const known = (edge) => groups.has(edge.source) && groups.has(edge.target);
  const undeclared = now.undeclared.map((edge) => ({ ...edge, undeclared: true }));
  const edges = [...now.edges, ...undeclared].filter((edge) => edge.source !== WORLD && known(edge));
  const graph = laidOut(groups, edges);
  const chosen = groups.get(argument);
  const wanted = KINDS[options.get("edges")] ? options.get("edges") : "";
  const shown = wanted ? edges.filter((edge) => kindOf(edge) === wanted) : edges;
  const zoom = Number(options.get("zoom")) || 0;
  return html`<${Filter} edges=${edges} wanted=${wanted} names=${[...groups.keys()]} frame=${frame} graph=${graph} />
    <div class="split">
      <div class="graph" ref=${frame} ...${moving(frame, from)}>
        <${Drawing} groups=${groups} graph=${graph} edges=${shown} chosen=${chosen} zoom=${zoom} />
      </div>
      ${chosen && html`<${Details} group=${chosen} edges=${now.edges} />`}
    </div>`;
}

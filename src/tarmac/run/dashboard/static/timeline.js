// What happened to each node: a lane of its states, and the events as a list.

import { address, place } from "./state.js";
import { Empty, clock, health, html, useAnswer } from "./ui.js";

/** @import { Answer, TimelineEvent, TimelineNow } from "./answers.d.ts" */

const LANE_PX = 22;
const NAMES_PX = 190;
const WIDTH = 1200;

/**
 * The states of each node one after another: [state, from, until] in seconds.
 * @param {TimelineEvent[]} events
 * @param {number} now
 */
function lanes(events, now) {
  /** @type {Map<string, [state: string, from: number, until: number][]>} */
  const found = new Map();
  for (const { at, node, state } of events) {
    const lane = found.get(node) || [];
    const last = lane.at(-1);
    if (last) last[2] = at;
    lane.push([state, at, now]);
    found.set(node, lane);
  }
  return found;
}

/** @param {{ events: TimelineEvent[] }} props */
function Lanes({ events }) {
  const now = Date.now() / 1000;
  const since = events[0].at;
  const left = (/** @type {number} */ at) => NAMES_PX + ((at - since) / Math.max(now - since, 0.001)) * (WIDTH - NAMES_PX);
  const found = [...lanes(events, now)];
  return html`<div class="graph"><svg viewBox="0 0 ${WIDTH} ${found.length * LANE_PX}" role="img"
      aria-label="The states of each node since ${clock(since * 1000)}">
    ${found.map(([node, lane], row) => html`<g key=${node} transform="translate(0,${row * LANE_PX})">
      <text x="0" y="15" class="lane">${node}</text>
      ${lane.map(([state, from, until]) => html`<rect x=${left(from)} y="4" height=${LANE_PX - 8}
        width=${Math.max(2, left(until) - left(from))} class="state ${health(state)}">
        <title>${node} ${state} from ${clock(from * 1000)}</title></rect>`)}
    </g>`)}
  </svg></div>`;
}

export function Timeline() {
  /** @type {Answer<TimelineNow>} */
  const [content, error] = useAnswer("/api/timeline", 2);
  if (error) return html`<p class="failed" role="alert">${error}</p>`;
  if (content === null) return html`<${Empty} title="Looking…" />`;
  const { events } = content;
  if (events.length === 0) return html`<${Empty} title="Nothing happened yet">Start the system with <code>tarmac up</code>.<//>`;
  const node = place.value.argument;
  const shown = events.filter((event) => !node || event.node === node).reverse();
  return html`
    <${Lanes} events=${events} />
    ${node && html`<p><a href=${address("timeline")}>All nodes</a></p>`}
    <table>
      <thead><tr><th scope="col">Time</th><th scope="col">Node</th><th scope="col">State</th><th scope="col">Process</th><th scope="col">Detail</th></tr></thead>
      <tbody>${shown.map((event) => html`<tr>
        <td><time>${clock(event.at * 1000)}</time></td>
        <td><a href=${address("timeline", event.node)}>${event.node}</a></td>
        <td class=${health(event.state)}>${event.state}</td>
        <td>${event.pid ?? "–"}</td><td>${event.detail}</td>
      </tr>`)}</tbody>
    </table>`;
}

// The table of services and stores: how each is, what it does and uses, where it is, what can be done to it.

import { MenuItems, Said, doing } from "./actions.js";
import { healthOf } from "./graph.js";
import { Address, Copy, Menu, Spark } from "./parts.js";
import { address, choose, place, system } from "./state.js";
import { amount, bytes, choosing, duration, html, percent, rate, stay } from "./ui.js";

/** @import { Activities, Group } from "./answers.d.ts" */

/** Groups that the system's file does not name: what a node is. @type {Record<string, string>} */
const ROLES = { service: "Services", store: "Stores", broker: "Stores", entry: "Services" };
const ORDER = { failed: 0, changing: 1, well: 2, off: 3 };

/**
 * Columns that sort: what is compared, the largest first.
 * @type {Record<string, (group: Group) => number>}
 */
const BY = {
  state: (group) => -ORDER[healthOf(group)],
  requests: ({ activity }) => activity?.requests_per_s ?? -1,
  failed: ({ activity }) => share(activity) ?? -1,
  p95: ({ activity }) => activity?.p95_s ?? -1,
  cpu: ({ activity }) => activity?.cpu_share ?? -1,
  memory: ({ activity }) => activity?.memory_bytes ?? -1,
};

/** @param {Group["activity"]} activity */
function share(activity) {
  if (!activity?.requests_per_s) return null;
  return (activity.failed_per_s || 0) / activity.requests_per_s;
}

/**
 * The states of a group's instances: the one that all have, or how many have each.
 * @param {Group} group
 */
function states({ nodes }) {
  const counts = new Map();
  for (const { state } of nodes) counts.set(state, (counts.get(state) || 0) + 1);
  if (counts.size === 1) return nodes[0].state;
  return [...counts].map(([state, count]) => `${count} ${state}`).join(", ");
}

/**
 * Where a group can be reached: its page, its address, or its port on this machine.
 * @param {{ group: Group }} props
 */
function Where({ group }) {
  const { name, nodes: [first] } = group;
  if (!system.value?.running) return html`<span class="faint">–</span>`;
  if (first.page || first.url) return html`<${Address} url=${first.page || first.url} shown=${first.url || first.page} of=${name} />`;
  const port = Object.values(first.ports || {})[0];
  if (!port) return html`<span class="faint">–</span>`;
  const at = `127.0.0.1:${port}`;
  return html`<span class="address"><code>${at}</code><${Copy} text=${at} what="address of ${name}" /></span>`;
}

/** @param {{ group: Group, activities: Activities | null }} props */
function Row({ group, activities }) {
  const { name, nodes, activity, about } = group;
  const now = activities?.services[name];
  const failed = share(activity);
  const restarts = nodes.reduce((sum, node) => sum + node.restarts, 0);
  const why = nodes.map((node) => node.cause || node.detail).find(Boolean);
  const health = healthOf(group);
  return html`<tr class="is-${health}">
    <th scope="row" class="name"><span class="dot ${health}" aria-hidden="true"></span><a href=${address("system", name)}>${name}</a>${nodes.length > 1 && html` <span class="count">×${nodes.length}</span>`}</th>
    <td class="state ${health}">${doing.value[name] ? html`<${Said} name=${name} />` : states(group)}
      ${restarts > 0 && html` <span class="count" title="restarts">↻${restarts}</span>`}
      ${why && health !== "well" && html`<br /><small>${why}</small>`}</td>
    <td class="number least"><${Spark} values=${now?.requests_per_s || []} failed=${now?.failed_per_s || []} /> <span class="figure">${rate(activity?.requests_per_s)}</span></td>
    <td class="number ${failed ? "failed" : "faint"}">${percent(failed, 1)}</td>
    <td class="number minor">${duration(activity?.p95_s)}</td>
    <td class="number minor"><span class="extra"><${Spark} values=${now?.cpu_share || []} /> </span><span class="figure">${percent(activity?.cpu_share, 0)}</span></td>
    <td class="number minor">${bytes(activity?.memory_bytes)}</td>
    <td class="minor what" title=${about}>${about}</td>
    <td class="minor"><${Where} group=${group} /></td>
    <td class="menu-cell"><${Menu} name="Actions of ${name}"><${MenuItems} group=${group} /><//></td>
  </tr>`;
}

/**
 * A header that sorts by its column.
 * @param {{ by: string, title: string, also?: string, sorted: string }} props
 */
function Sorting({ by, title, also = "", sorted }) {
  const chosen = sorted === by;
  return html`<th scope="col" class="number ${also}" aria-sort=${chosen ? "descending" : "none"}>
    <button type="button" class="sort" onClick=${() => choose({ sort: chosen ? "" : by })}>${title}<span aria-hidden="true">${chosen ? " ↓" : ""}</span></button></th>`;
}

/**
 * The rows by the groups of the system's file; what is in none, by what it is.
 * @param {Group[]} groups
 * @param {Record<string, string>} named
 */
function together(groups, named) {
  /** @type {Map<string, Group[]>} */
  const found = new Map();
  for (const group of groups) {
    const title = named[group.name] || ROLES[group.role] || "Others";
    found.set(title, [...(found.get(title) || []), group]);
  }
  const others = Object.values(ROLES);
  return [...found].sort(([one], [other]) => others.indexOf(one) - others.indexOf(other));
}

/**
 * @param {{ groups: Map<string, Group>, named: Record<string, string>, activities: Activities | null }} props
 */
export function Services({ groups, named, activities }) {
  const { options } = place.value;
  const sorted = BY[options.get("sort") || ""] ? options.get("sort") || "" : "";
  const words = (options.get("find") || "").toLowerCase();
  const closed = new Set((options.get("closed") || "").split(",").filter(Boolean));
  const fits = [...groups.values()].filter((group) => !words
    || `${group.name} ${named[group.name] || ""} ${group.about} ${states(group)}`.toLowerCase().includes(words));
  const of = BY[sorted];
  if (of) fits.sort((one, other) => of(other) - of(one));
  const parts = sorted ? [/** @type {[string, Group[]]} */ (["", fits])] : together(fits, named);
  /** @param {string} title */
  function fold(title) {
    const next = new Set(closed);
    if (!next.delete(title)) next.add(title);
    choose({ closed: [...next].join(",") });
  }
  return html`
    <form class="filters" onSubmit=${stay}>
      <h2>Services and stores</h2>
      <label>Find <input type="search" size="18" value=${options.get("find") || ""} onInput=${choosing("find")} /></label>
      ${words && html`<span role="status">${fits.length} of ${groups.size}</span>`}
      <a href=${address("graph")}>As a graph</a>
    </form>
    <table class="services" aria-label="Services and stores">
      <thead><tr>
        <th scope="col">Name</th>
        <th scope="col" aria-sort=${sorted === "state" ? "descending" : "none"}><button type="button" class="sort" onClick=${() => choose({ sort: sorted === "state" ? "" : "state" })}>State<span aria-hidden="true">${sorted === "state" ? " ↓" : ""}</span></button></th>
        <${Sorting} by="requests" title="Requests" also="least" sorted=${sorted} />
        <${Sorting} by="failed" title="Failed" sorted=${sorted} />
        <${Sorting} by="p95" title="p95" also="minor" sorted=${sorted} />
        <${Sorting} by="cpu" title="CPU" also="minor" sorted=${sorted} />
        <${Sorting} by="memory" title="Memory" also="minor" sorted=${sorted} />
        <th scope="col" class="minor what">What runs</th><th scope="col" class="minor">Address</th>
        <th scope="col"><span class="unseen">Actions</span></th>
      </tr></thead>
      ${parts.map(([title, rows]) => html`<tbody key=${title}>
        ${title && html`<tr class="group"><th scope="rowgroup" colspan="10">
          <button type="button" class="fold" aria-expanded=${!closed.has(title)} onClick=${() => fold(title)}>${title} <span class="count">${amount(rows.length)}</span></button></th></tr>`}
        ${!closed.has(title) && rows.map((group) => html`<${Row} key=${group.name} group=${group} activities=${activities} />`)}
      </tbody>`)}
    </table>
    ${fits.length === 0 && html`<p class="faint">Nothing has ${words} in its name, its group or its state.</p>`}`;
}

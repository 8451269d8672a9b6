// The page of one service or store: what can be done to it, its instances, requests, edges, latest traces and lines.

import { Actions } from "./actions.js";
import { healthOf } from "./graph.js";
import { Line } from "./logs.js";
import { Requests } from "./metrics.js";
import { Address, Copy, Range, rangeOptions } from "./parts.js";
import { address } from "./state.js";
import { TraceTable } from "./traces.js";
import { bytes, clock, duration, health, html, percent, rate, useAnswer } from "./ui.js";

/** @import { Answer, Edge, Explained, Group, LogLines, Node, RunningSystem, TraceList } from "./answers.d.ts" */

const [TRACES, LINES] = [8, 12];
/** @type {("p50_s" | "p95_s" | "p99_s")[]} */
const QUANTILES = ["p50_s", "p95_s", "p99_s"];

/** @param {{ nodes: Node[] }} props */
export function Instances({ nodes }) {
  return html`<table aria-label="Instances">
    <thead><tr><th scope="col">Instance</th><th scope="col">State</th><th scope="col" class="minor">Since</th><th scope="col" class="number least">Restarts</th><th scope="col">Address</th></tr></thead>
    <tbody>${nodes.map((node) => html`<tr key=${node.name}>
      <td>${node.name}</td>
      <td class=${health(node.state)}>${node.state}${node.detail && html`<br /><small>${node.detail}</small>`}
        ${node.cause && html`<br /><small>${node.cause}</small>`}</td>
      <td class="minor">${node.since ? html`<time>${clock(node.since * 1000)}</time>` : "–"}</td>
      <td class="number least">${node.restarts}</td>
      <td>${node.state === "stopped" ? "–" : node.page || node.url ? html`<${Address} url=${node.page || node.url} shown=${node.url || node.page} of=${node.name} />`
    : Object.entries(node.ports || {}).map(([name, port]) => html`<span class="address" key=${name}><code>127.0.0.1:${port}</code><${Copy} text="127.0.0.1:${port}" what="${name} address of ${node.name}" /></span> `)}</td>
    </tr>`)}</tbody>
  </table>`;
}

/** @param {{ name: string, edges: Edge[] }} props */
export function Edges({ name, edges }) {
  const own = edges.filter((edge) => edge.source === name || edge.target === name);
  if (own.length === 0) return "";
  return html`<table class="narrow" aria-label="Edges">
    <thead><tr><th scope="col">Edge</th><th scope="col" class="number">Now</th><th scope="col" class="number">Requests</th><th scope="col" class="number">Failed</th>${["p50", "p95", "p99"].map((title) => html`<th scope="col" class="number minor">${title}</th>`)}<th scope="col" class="number minor">Connections</th></tr></thead>
    <tbody>${own.map((edge) => {
      const other = edge.source === name ? edge.target : edge.source;
      return html`<tr key=${edge.source + edge.target + edge.port}>
        <td>${edge.source === name ? "to" : "from"} <a href=${address("system", other === "world" ? "" : other)}>${other}</a>${edge.unused && html`<br /><small>never used in this run</small>`}</td>
        <td class="number">${rate(edge.requests_per_s)}</td><td class="number">${edge.requests?.requests ?? "–"}</td>
        <td class="number ${edge.requests?.failed ? "failed" : ""}">${edge.requests?.failed ?? "–"}</td>
        ${QUANTILES.map((quantile) => html`<td class="number minor">${duration(edge.requests?.[quantile])}</td>`)}
        <td class="number minor">${edge.connections ?? "–"}</td>
      </tr>`;
    })}</tbody>
  </table>`;
}

/** @param {{ name: string }} props */
export function Variables({ name }) {
  /** @type {Answer<Explained>} */
  const [content, error] = useAnswer(`/api/explain/${encodeURIComponent(name)}`, 0);
  if (error) return html`<p class="faint">${error}</p>`;
  if (!content?.env?.length) return "";
  return html`<details><summary>${content.env.length} variables, declared in <code>${content.place}</code></summary>
    <table><thead><tr><th scope="col">Variable</th><th scope="col">Value</th></tr></thead><tbody>${content.env.map((variable) => html`<tr key=${variable.name}>
      <td><code>${variable.name}</code></td>
      <td>${variable.value ? html`<code>${variable.value}</code>` : html`<small>set by you</small>`}<br />
        <small>${variable.origin}</small></td>
    </tr>`)}</tbody></table>
  </details>`;
}

/** @param {{ name: string }} props */
function LatestTraces({ name }) {
  const range = rangeOptions();
  /** @type {Answer<TraceList>} */
  const [content] = useAnswer(`/api/traces?${new URLSearchParams({ service: name, most: String(TRACES), ...range })}`, 5);
  return html`<h3><a href=${address("traces", "", { service: name, ...range })}>Latest traces</a></h3>
    ${content?.traces.length === 0 && html`<p class="faint">None crossed ${name}.</p>`}
    ${content && content.traces.length > 0 && html`<${TraceTable} traces=${content.traces} />`}`;
}

/** @param {{ name: string }} props */
function LatestLines({ name }) {
  /** @type {Answer<LogLines>} */
  const [content] = useAnswer(`/api/logs?${new URLSearchParams({ node: name, last: String(LINES) })}`, 5);
  return html`<h3><a href=${address("logs", "", { node: name })}>Latest log lines</a></h3>
    ${content?.lines.length === 0 && html`<p class="faint">It wrote nothing yet.</p>`}
    <div class="lines short card" role="table" aria-label="Latest log lines">${(content?.lines || []).slice(-LINES).map((line) => html`<${Line} line=${line} />`)}</div>`;
}

/** @param {{ group: Group, now: RunningSystem }} props */
export function ServicePage({ group, now }) {
  const { name, about, nodes, role, activity } = group;
  const state = healthOf(group);
  return html`
    <p><a href=${address("system")}>All of ${now.system}</a></p>
    <div class="title"><h2><span class="dot ${state}" aria-hidden="true"></span>${name}</h2>
      <span class=${state}>${[...new Set(nodes.map((node) => node.state))].join(", ")}</span>
      <span class="faint">${about}${now.groups[name] ? `, group ${now.groups[name]}` : ""}</span>
      <${Range} /></div>
    <${Actions} group=${group} />
    <dl class="figures">
      <div><dt>requests</dt><dd>${rate(activity?.requests_per_s)}</dd></div>
      <div><dt>failed</dt><dd>${activity?.requests_per_s ? percent((activity.failed_per_s || 0) / activity.requests_per_s, 1) : "–"}</dd></div>
      <div><dt>p95</dt><dd>${duration(activity?.p95_s)}</dd></div>
      <div><dt>CPU</dt><dd>${percent(activity?.cpu_share, 0)}</dd></div>
      <div><dt>memory</dt><dd>${bytes(activity?.memory_bytes)}</dd></div>
    </dl>
    <${Instances} nodes=${nodes} />
    ${role === "service" && html`<${Requests} service=${name} />`}
    ${now.edges.length > 0 && html`<h3>Edges <a class="beside" href=${address("graph", name)}>in the graph</a></h3>
      <${Edges} name=${name} edges=${now.edges} />`}
    ${role === "service" && html`<${LatestTraces} name=${name} />`}
    <${LatestLines} name=${name} />
    ${now.running && html`<${Variables} name=${name} />`}
    ${role === "service" && html`<p><a href=${address("catalogue", name)}>What the catalogue says of ${name}</a></p>`}`;
}

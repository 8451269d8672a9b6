// Everything about one service or store: its instances, edges, variables, and what can be done to it.

import { useState } from "./vendor/preact-hooks.js";
import { address, ask, place } from "./state.js";
import { duration, given, health, html, stay, useAnswer, wordsOf } from "./ui.js";

/** @import { Answer, Edge, Explained, Group, Node } from "./answers.d.ts" */

/** @type {("p50_s" | "p95_s" | "p99_s")[]} */
const QUANTILES = ["p50_s", "p95_s", "p99_s"];

/** @param {{ nodes: Node[] }} props */
function Instances({ nodes }) {
  return html`<table>
    <thead><tr><th scope="col">Instance</th><th scope="col">State</th><th scope="col">Restarts</th><th scope="col">Address</th></tr></thead>
    <tbody>${nodes.map((node) => html`<tr key=${node.name}>
      <td>${node.name}</td>
      <td class=${health(node.state)}>${node.state}${node.detail && html`<br /><small>${node.detail}</small>`}
        ${node.cause && html`<br /><small>${node.cause}</small>`}</td>
      <td>${node.restarts}</td>
      <td>${node.page || node.url ? html`<a href=${node.page || node.url}>${node.url}</a>` : "–"}</td>
    </tr>`)}</tbody>
  </table>`;
}

/** @param {{ name: string, edges: Edge[] }} props */
function Edges({ name, edges }) {
  return html`<table class="narrow">
    <thead><tr><th scope="col">Edge</th><th scope="col">Conns</th><th scope="col">Requests</th><th scope="col">Failed</th><th scope="col">p50</th><th scope="col">p95</th><th scope="col">p99</th></tr></thead>
    <tbody>${edges.map((edge) => html`<tr key=${edge.source + edge.target + edge.port}>
      <td>${edge.source === name ? `to ${edge.target}` : `from ${edge.source}`}${edge.unused && html`<br /><small>never used in this run</small>`}</td><td>${edge.connections}</td>
      <td>${edge.requests?.requests ?? "–"}</td><td>${edge.requests?.failed ?? "–"}</td>
      ${QUANTILES.map((name) => html`<td>${duration(edge.requests?.[name])}</td>`)}
    </tr>`)}</tbody>
  </table>`;
}

/** @param {{ name: string }} props */
function Variables({ name }) {
  /** @type {Answer<Explained>} */
  const [content, error] = useAnswer(`/api/explain/${encodeURIComponent(name)}`, 0);
  if (error) return html`<p class="failed">${error}</p>`;
  if (!content?.env?.length) return "";
  return html`<details><summary>${content.env.length} variables, declared in <code>${content.place}</code></summary>
    <table><thead><tr><th scope="col">Variable</th><th scope="col">Value</th></tr></thead><tbody>${content.env.map((variable) => html`<tr key=${variable.name}>
      <td><code>${variable.name}</code></td>
      <td>${variable.value ? html`<code>${variable.value}</code>` : html`<small>set by you</small>`}<br />
        <small>${variable.origin}</small></td>
    </tr>`)}</tbody></table>
  </details>`;
}

/** @param {{ name: string, instances: number, runs: boolean }} props */
function Actions({ name, instances, runs }) {
  const [said, setSaid] = useState("");
  const [wanted, setWanted] = useState(instances);
  const [asked, setAsked] = useState(false);
  /**
   * @param {string} path
   * @param {string} doing
   * @param {string} done
   */
  async function act(path, doing, done) {
    setSaid(doing);
    try {
      const { failed } = await ask(path, { method: "POST" });
      setSaid(Object.values(failed).join("; ") || done);
    } catch (error) {
      setSaid(wordsOf(error));
    }
  }
  const of = encodeURIComponent(name);
  if (!runs) {
    return html`<p class="actions">
      <button type="button" onClick=${() => act(`/api/start/${of}`, "starting…", "started")}>Start</button>
      <span role="status">${said}</span>
    </p>`;
  }
  return html`<form class="actions" onSubmit=${stay}>
    <button type="button" onClick=${() => act(`/api/restart/${of}`, "restarting…", "restarted")}>Restart</button>
    ${asked
      ? html`<button type="button" class="danger" onClick=${() => act(`/api/stop/${of}`, "stopping…", "stopped")}>Stop it, though its callers will fail</button>`
      : html`<button type="button" onClick=${() => setAsked(true)}>Stop</button>`}
    <label>Instances <input type="number" min="1" max="20" value=${wanted} onInput=${given((value) => setWanted(Number(value)))} /></label>
    <button type="button" disabled=${wanted === instances} onClick=${() => act(`/api/scale/${of}?instances=${wanted}`, "scaling…", "scaled")}>Scale</button>
    <span role="status">${said}</span>
  </form>`;
}

/** @param {{ group: Group, edges: Edge[] }} props */
export function Details({ group, edges }) {
  const { name, about, nodes, role } = group;
  const own = edges.filter((edge) => edge.source === name || edge.target === name);
  return html`<aside aria-label="About ${name}">
    <h2>${name}</h2>
    <p>${about}</p>
    <p>
      ${role === "service" && html`<a href=${address("traces", "", { service: name })}>Its traces</a> ·
        <a href=${address("metrics", name)}> its metrics</a> · `}
      <a href=${address("logs", "", { node: name })}>its logs</a> · <a href=${address("system", "", Object.fromEntries(place.value.options))}>close</a>
    </p>
    <${Instances} nodes=${nodes} />
    ${own.length > 0 && html`<${Edges} name=${name} edges=${own} />`}
    <${Variables} key=${name} name=${name} />
    ${role === "service" && html`<${Actions} key=${name} name=${name} instances=${nodes.length}
      runs=${nodes.some((node) => !["outside", "off"].includes(node.state))} />`}
  </aside>`;
}

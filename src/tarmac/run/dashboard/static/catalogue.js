// What there is, for somebody new: every service with owner, APIs, edges, objectives, drill, cost.

import { address, place } from "./state.js";
import { Empty, html, useAnswer } from "./ui.js";

/** @import { Answer, Catalogue, CatalogueService } from "./answers.d.ts" */

/** @param {number | null} month */
const usd = (month) => (month === null ? "no pods of its own" : `${Math.round(month)} USD a month`);

/** @param {string[]} names */
const listed = (names) => names.join(", ") || "none";

/** @param {CatalogueService} service */
const last = ({ latest_drill: drill }) => (drill ? `${drill.name}: ${drill.verdict}, ${drill.day}` : "none ran");

export function Catalogue() {
  /** @type {Answer<Catalogue>} */
  const [content, error] = useAnswer("/api/catalogue", 0);
  if (error) return html`<${Empty} title="Not to be read now">${error}<//>`;
  if (content === null) return html`<${Empty} title="Looking…" />`;
  const chosen = content.services.find(({ name }) => name === place.value.argument);
  return chosen ? html`<${Service} service=${chosen} />` : html`<${All} content=${content} />`;
}

/** @param {{ content: Catalogue }} given */
function All({ content }) {
  return html`
    <p>${content.services.length} services and ${content.stores.length} stores of ${content.owner}.
      ${content.environment ? ` Costs are estimated for ${content.environment}.` : ""}</p>
    <table aria-label="Services">
      <thead><tr><th scope="col">Service</th><th scope="col">Owner</th><th scope="col">APIs</th><th scope="col">Objectives</th><th scope="col">Latest drill</th><th scope="col">Its nodes</th></tr></thead>
      <tbody>${content.services.map((service) => html`<tr key=${service.name}>
        <td><a href=${address("catalogue", service.name)}>${service.name}</a></td><td>${service.owner}</td>
        <td>${listed(service.apis.map(({ name }) => name))}</td><td>${listed(service.objectives)}</td>
        <td>${last(service)}</td><td>${usd(service.month_usd)}</td>
      </tr>`)}</tbody>
    </table>`;
}

/** @param {{ service: CatalogueService }} given */
function Service({ service }) {
  const edges = [
    ["Calls", service.calls], ["Called by", service.called_by], ["Stores", service.stores],
    ["Externals", service.externals], ["Publishes", service.publishes], ["Consumes", service.consumes],
    ["Objectives", service.objectives], ["Runbooks", service.runbooks],
  ];
  return html`
    <p><a href=${address("catalogue")}>All services</a> · <a href=${address("system", service.name)}>${service.name} as it runs</a></p>
    <h2>${service.name}</h2>
    <p>${service.about}, of ${service.owner}. Latest drill: ${last(service)}. Its nodes: ${usd(service.month_usd)}.</p>
    <table aria-label="Dependencies"><tbody>${edges.map(([title, names]) => html`<tr key=${title}>
      <th scope="row">${title}</th><td>${listed(/** @type {string[]} */ (names))}</td></tr>`)}</tbody></table>
    ${service.apis.map((api) => html`<section key=${api.name}>
      <h2>API ${api.name}</h2>
      <p>Described by <code>${api.path}</code> (${api.kind}).</p>
      <table aria-label=${`Operations of ${api.name}`}>
        <thead><tr><th scope="col">Method</th><th scope="col">Path</th><th scope="col">What it does</th><th scope="col">Answers</th></tr></thead>
        <tbody>${api.operations.map((one) => html`<tr key=${`${one.method} ${one.path}`}>
          <td>${one.method}</td><td><code>${one.path}</code></td><td>${one.summary}</td><td>${one.answers.join(" ")}</td>
        </tr>`)}</tbody>
      </table>
    </section>`)}`;
}

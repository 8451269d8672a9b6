// The page: a bar with the views, and the view that the address names.

import { render } from "./vendor/preact.js";
import "./vendor/signals.js";
import { Catalogue } from "./catalogue.js";
import { Compare } from "./compare.js";
import { Configuration } from "./configuration.js";
import { Logs } from "./logs.js";
import { GraphView } from "./map.js";
import { Messages } from "./messages.js";
import { Metrics } from "./metrics.js";
import { Objectives } from "./objectives.js";
import { Overview } from "./overview.js";
import { rangeOptions } from "./parts.js";
import { Runs } from "./runs.js";
import { address, connected, follow, place, system } from "./state.js";
import { Stores } from "./stores.js";
import { Timeline } from "./timeline.js";
import { Trace } from "./trace.js";
import { Traces } from "./traces.js";
import { health, html } from "./ui.js";

/** The views, in the parts of the menu. @type {Record<string, Record<string, string>>} */
const MENU = {
  Now: { system: "System", graph: "Graph", traces: "Traces", logs: "Logs", metrics: "Metrics", objectives: "Objectives" },
  Data: { messages: "Messages", stores: "Stores" },
  History: { timeline: "Timeline", runs: "Runs" },
  Reference: { configuration: "Configuration", catalogue: "Catalogue" },
};
const VIEWS = Object.assign({}, ...Object.values(MENU));
/** Views that know the chosen time: it stays chosen on the way between them. */
const TIMED = new Set(["metrics", "traces"]);
/** Views of one thing, whose name the window has. */
const TITLED = new Set(["system", "graph", "metrics", "catalogue"]);

/** How the system is, as the dot beside its name. */
function standing() {
  if (!system.value?.running || !connected.value) return "off";
  if (system.value.nodes.some((node) => node.failed || health(node.state) === "failed")) return "failed";
  return system.value.healthy ? "well" : "changing";
}

function Bar() {
  const { view } = place.value;
  return html`<header>
    <a class="skip" href="#main">Skip to the content</a>
    <a class="name" href=${address("system")}><span class="dot ${standing()}" aria-hidden="true"></span>${system.value?.system || "Tarmac"}</a>
    <nav aria-label="Views">
      ${Object.entries(MENU).map(([title, views]) => html`<div key=${title}><span class="part" aria-hidden="true">${title}</span>
        ${Object.entries(views).map(([name, words]) => html`
          <a href=${address(name, "", TIMED.has(name) ? rangeOptions() : {})} aria-current=${name === view ? "page" : undefined}>${words}</a>`)}</div>`)}
    </nav>
    ${connected.value ? "" : html`<span class="lost" role="status">not connected</span>`}
  </header>`;
}

function View() {
  const { view, argument, options } = place.value;
  if (view === "graph") return html`<${GraphView} />`;
  if (view === "traces" && options.get("with")) return html`<${Compare} id=${argument} other=${options.get("with")} />`;
  if (view === "traces") return argument ? html`<${Trace} id=${argument} />` : html`<${Traces} />`;
  if (view === "logs") return html`<${Logs} />`;
  if (view === "metrics") return html`<${Metrics} />`;
  if (view === "objectives") return html`<${Objectives} />`;
  if (view === "messages") return html`<${Messages} />`;
  if (view === "stores") return html`<${Stores} />`;
  if (view === "timeline") return html`<${Timeline} />`;
  if (view === "runs") return html`<${Runs} />`;
  if (view === "catalogue") return html`<${Catalogue} />`;
  if (view === "configuration") return html`<${Configuration} />`;
  return html`<${Overview} />`;
}

function Page() {
  const { view, argument } = place.value;
  const title = VIEWS[view] || VIEWS.system;
  document.title = `${argument && TITLED.has(view) ? argument : title} · ${system.value?.system || "Tarmac"}`;
  return html`<${Bar} />
    <main id="main" tabindex="-1"><h1 class=${title === VIEWS.system ? "unseen" : ""}>${title}</h1><${View} /></main>
    <footer>Tarmac shows what runs on this machine, to this machine alone.</footer>`;
}

follow();
render(html`<${Page} />`, document.body);

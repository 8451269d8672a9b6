// The page: a bar with the views, and the view that the address names.

import { render } from "./vendor/preact.js";
import "./vendor/signals.js";
import { Catalogue } from "./catalogue.js";
import { Compare } from "./compare.js";
import { address, connected, follow, place, system } from "./state.js";
import { html } from "./ui.js";
import { Configuration } from "./configuration.js";
import { Logs } from "./logs.js";
import { Messages } from "./messages.js";
import { Metrics } from "./metrics.js";
import { Objectives } from "./objectives.js";
import { Runs } from "./runs.js";
import { Stores } from "./stores.js";
import { System } from "./system.js";
import { Timeline } from "./timeline.js";
import { Trace } from "./trace.js";
import { Traces } from "./traces.js";

/** @type {Record<string, string>} */
const VIEWS = {
  system: "System", traces: "Traces", logs: "Logs", metrics: "Metrics", objectives: "Objectives",
  messages: "Messages", stores: "Stores", timeline: "Timeline",
  runs: "Runs", configuration: "Configuration", catalogue: "Catalogue",
};

function Bar() {
  const { view } = place.value;
  return html`<header>
    <a class="skip" href="#main">Skip to the content</a>
    <a class="name" href=${address("system")}>${system.value?.system || "Tarmac"}</a>
    <nav aria-label="Views">
      ${Object.entries(VIEWS).map(([name, title]) => html`
        <a href=${address(name)} aria-current=${name === view ? "page" : undefined}>${title}</a>`)}
    </nav>
    ${connected.value ? "" : html`<span class="lost" role="status">not connected</span>`}
  </header>`;
}

function View() {
  const { view, argument, options } = place.value;
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
  return html`<${System} />`;
}

function Page() {
  const { view } = place.value;
  document.title = `${VIEWS[view] || VIEWS.system} · ${system.value?.system || "Tarmac"}`;
  return html`<${Bar} />
    <main id="main" tabindex="-1"><h1>${VIEWS[view] || VIEWS.system}</h1><${View} /></main>
    <footer>Tarmac shows what runs on this machine, to this machine alone.</footer>`;
}

follow();
render(html`<${Page} />`, document.body);

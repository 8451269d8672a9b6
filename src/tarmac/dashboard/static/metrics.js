// Rate, errors and durations of a service's requests, and any of its series.

import { choose, place, system } from "./state.js";
import { Chart } from "./chart.js";
import { Empty, amount, duration, html, percent, services, useAnswer } from "./ui.js";

const MINUTES = { 5: "5 min", 15: "15 min", 60: "1 h", 360: "6 h", 1440: "1 d", 10080: "7 d" };
const EVERY_S = 5;

function ofBoth(one, other, compute) {
  return one.map((value, step) => (value === null ? null : compute(value, other[step] ?? 0)));
}

function Series({ service, names, name, by, minutes }) {
  const known = names.find((one) => one.name === name);
  const query = new URLSearchParams({ service, name, by, minutes });
  const [content, error] = useAnswer(`/api/series?${query}`, EVERY_S);
  const unit = known?.kind === "counter" ? "per second" : "value";
  return html`
    <form class="filters" onSubmit=${(event) => event.preventDefault()}>
      <label>Series <input type="search" list="series" value=${name} size="38"
        onChange=${(event) => choose({ name: event.target.value, by: "" })} /></label>
      <datalist id="series">${names.map((one) => html`<option value=${one.name} />`)}</datalist>
      <label>By <select value=${by} onChange=${(event) => choose({ by: event.target.value })}>
        <option value="">${known?.kind === "gauge" ? "instance" : "all together"}</option>
        ${(known?.labels || []).map((label) => html`<option value=${label}>${label}</option>`)}
      </select></label>
    </form>
    ${error && html`<p class="failed" role="alert">${error}</p>`}
    ${name && !known && html`<p>No series of this name; choose one of the ${names.length}.</p>`}
    ${known && content && html`<${Chart} key=${name + by} title="${name}, ${unit}" ends=${content.ends_ms} write=${amount}
      lines=${Object.entries(content.lines)} />`}`;
}

export function Metrics() {
  const { argument, options } = place.value;
  const known = services(system.value);
  const service = argument || known[0] || "";
  const minutes = options.get("minutes") || "15";
  const query = new URLSearchParams({ service, minutes });
  const [content, error] = useAnswer(service && `/api/metrics?${query}`, EVERY_S);
  if (system.value && known.length === 0) return html`<${Empty} title="No services">This system has stores alone.<//>`;
  const red = content?.red;
  const ends = content?.ends_ms;
  const write = (value) => `${amount(value)}/s`;
  return html`
    <form class="filters" onSubmit=${(event) => event.preventDefault()}>
      <label>Service <select value=${service} onChange=${(event) => choose({}, event.target.value)}>
        ${known.map((name) => html`<option value=${name}>${name}</option>`)}
      </select></label>
      <label>Last <select value=${minutes} onChange=${(event) => choose({ minutes: event.target.value })}>
        ${Object.entries(MINUTES).map(([value, title]) => html`<option value=${value}>${title}</option>`)}
      </select></label>
    </form>
    ${error && html`<p class="failed" role="alert">${error}</p>`}
    ${content && content.names.length === 0 && html`<${Empty} title="No metrics of ${service}">
      It has not been read yet, or it has no <code>/metrics</code>.<//>`}
    ${content && content.names.length > 0 && html`
      <div class="cards">
        <${Chart} title="Requests" ends=${ends} write=${write}
          lines=${[["all", red.requests_per_s], ["failed", red.failed_per_s, true]]} />
        <${Chart} title="Share of requests that failed" ends=${ends} write=${(value) => percent(value, 1)}
          lines=${[["failed", ofBoth(red.failed_per_s, red.requests_per_s, (failed, all) => (all ? failed / all : 0)), true]]} />
        <${Chart} title="Duration of requests" ends=${ends} write=${duration}
          lines=${Object.entries(red.durations_s)} />
      </div>
      <${Series} service=${service} names=${content.names} name=${options.get("name") || "process_resident_memory_bytes"}
        by=${options.get("by") || ""} minutes=${minutes} />`}`;
}

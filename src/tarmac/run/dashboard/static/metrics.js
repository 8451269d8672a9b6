// Rate, errors and durations of a service's requests, and any of its series: of the last minutes, or
// of one or two runs, each from its own start.

import { choose, place, system } from "./state.js";
import { Chart } from "./chart.js";
import { Range, rangeOptions } from "./parts.js";
import { Empty, Search, amount, bytes, choosing, duration, given, html, percent, rate, services, stay, useAnswer } from "./ui.js";

/** @import { Answer, MetricsNow, Red, RunsNow, SeriesAnswer, SeriesName, Values } from "./answers.d.ts" */

const MINUTES = { 5: "5 min", 15: "15 min", 60: "1 h", 360: "6 h", 1440: "1 d", 10080: "7 d" };
const EVERY_S = 5;

/** @typedef {[name: string, values: Values, failed?: boolean]} NamedLine */

/**
 * Compute a value of each step from those of two lines.
 * @param {Values} one
 * @param {Values} other
 * @param {(one: number, other: number) => number} compute
 */
function ofBoth(one, other, compute) {
  return one.map((value, step) => (value === null ? null : compute(value, other[step] ?? 0)));
}

/**
 * List the lines of a chart: those of the first run, then the same of the second.
 * @template {{ run: string }} R
 * @param {R[]} runs what was answered of each run; of the last minutes it is one without a name.
 * @param {(one: R) => NamedLine[]} linesOf gives each line of one, and whether it is one of failures.
 */
function together(runs, linesOf) {
  /** @type {Map<string, number>} */
  const numbers = new Map();
  return runs.flatMap((one, index) => linesOf(one).map(([name, values, failed = false]) => {
    if (!numbers.has(name)) numbers.set(name, numbers.size);
    const title = runs.length > 1 ? `${name}, ${one.run}` : name;
    return { name: title, values, failed, second: index > 0, number: numbers.get(name) ?? 0 };
  }));
}

/**
 * Say how a series is written, and in which unit: Prometheus's names end with it.
 * @param {string} name
 * @param {boolean} perSecond it is a counter, whose growth is shown.
 * @returns {[write: (value: number) => string, unit: string]}
 */
function written(name, perSecond) {
  const [, unit] = name.match(/_(bytes|seconds|ratio)(?:_total|_sum)?$/) || [];
  if (unit === "bytes") return perSecond ? [(value) => `${bytes(value)}/s`, "bytes per second"] : [bytes, "bytes"];
  if (unit === "seconds" && perSecond) return [(value) => percent(value, 0), "seconds per second"];
  if (unit === "seconds") return [duration, "seconds"];
  if (unit === "ratio") return [(value) => percent(value, 1), "share"];
  return perSecond ? [rate, "per second"] : [amount, "value"];
}

/** @param {{ query: URLSearchParams, names: SeriesName[], name: string, by: string }} props */
function Series({ query, names, name, by }) {
  const known = names.find((one) => one.name === name);
  const asked = new URLSearchParams([...query, ["name", name], ["by", by]]);
  /** @type {Answer<SeriesAnswer>} */
  const [content, error] = useAnswer(`/api/series?${asked}`, EVERY_S);
  const [write, unit] = written(name, known?.kind === "counter");
  return html`
    <form class="filters" onSubmit=${stay}>
      <label>Series <${Search} list="series" value=${name} size="38"
        onChange=${given((name) => choose({ name, by: "" }))} /></label>
      <datalist id="series">${names.map((one) => html`<option value=${one.name} />`)}</datalist>
      <label>By <select value=${by} onChange=${choosing("by")}>
        <option value="">${known?.kind === "gauge" ? "instance" : "all together"}</option>
        ${(known?.labels || []).map((label) => html`<option value=${label}>${label}</option>`)}
      </select></label>
    </form>
    ${error && html`<p class="failed" role="alert">${error}</p>`}
    ${name && !known && html`<p>No series of this name; choose one of the ${names.length}.</p>`}
    ${known && content && html`<${Chart} key=${name + by} title="${name}, ${unit}" ends=${content.ends_ms} write=${write}
      sinceStart=${query.has("run")} lines=${together(content.runs, ({ lines }) => Object.entries(lines))} />`}`;
}

/**
 * Choose a run, and a second one to be drawn upon it.
 * @param {{ first: string, second: string, none: string }} props `none`: what is shown without a choice.
 */
function RunChoice({ first, second, none }) {
  /** @type {Answer<RunsNow>} */
  const [content] = useAnswer("/api/runs", EVERY_S);
  const names = content?.runs.map((run) => run.name) || [first, second].filter(Boolean);
  const others = names.filter((name) => name !== first);
  return html`
    <label>Run <select value=${first} onChange=${given((run) => choose({ run, beside: "", from: "", to: "" }))}>
      <option value="">${none}</option>
      ${names.map((name) => html`<option value=${name}>${name}</option>`)}
    </select></label>
    ${first && html`<label>Beside <select value=${second} onChange=${choosing("beside")}>
      <option value="">${others.length ? "no other" : "there is no other"}</option>
      ${others.map((name) => html`<option value=${name}>${name}</option>`)}
    </select></label>`}`;
}

/**
 * The charts of a service's requests.
 * @param {{ content: MetricsNow, sinceStart: boolean }} props
 */
function RequestCharts({ content, sinceStart }) {
  /**
   * @param {string} title
   * @param {(value: number) => string} write
   * @param {(one: { run: string, red: Red }) => NamedLine[]} linesOf
   */
  const chart = (title, write, linesOf) => html`<${Chart} title=${title} ends=${content.ends_ms} write=${write}
    sinceStart=${sinceStart} lines=${together(content.runs, linesOf)} />`;
  const share = (/** @type {Red} */ red) => ofBoth(red.failed_per_s, red.requests_per_s, (failed, all) => (all ? failed / all : 0));
  return html`<div class="charts">
    ${chart("Requests, per second", rate, ({ red }) => [["all", red.requests_per_s], ["failed", red.failed_per_s, true]])}
    ${chart("Share of requests that failed", (value) => percent(value, 1), ({ red }) => [["failed", share(red), true]])}
    ${chart("Duration of requests", duration, ({ red }) => Object.entries(red.durations_s))}
  </div>`;
}

/**
 * The requests of a service in the last quarter of an hour, or in the chosen time.
 * @param {{ service: string }} props
 */
export function Requests({ service }) {
  const isOver = system.value?.running === false;
  const query = new URLSearchParams({ service, minutes: "15", ...(isOver ? { run: "latest" } : rangeOptions()) });
  /** @type {Answer<MetricsNow>} */
  const [content] = useAnswer(`/api/metrics?${query}`, EVERY_S);
  return content && content.names.length > 0 ? html`<${RequestCharts} content=${content} sinceStart=${isOver} />` : "";
}

export function Metrics() {
  const { argument, options } = place.value;
  const known = services(system.value);
  const service = argument || known[0] || "";
  const minutes = options.get("minutes") || "15";
  // Of a system that does not run, the last minutes are empty: its latest run is shown instead.
  const instead = system.value?.running === false ? "latest" : "";
  const [first, second] = [options.get("run") || instead, (options.get("run") && options.get("beside")) || ""];
  const chosen = [first, second].filter(Boolean);
  const range = chosen.length ? {} : rangeOptions();
  const query = new URLSearchParams([["service", service], ["minutes", minutes], ...Object.entries(range), ...chosen.map((run) => ["run", run])]);
  /** @type {Answer<MetricsNow>} */
  const [content, error] = useAnswer(service && `/api/metrics?${query}`, EVERY_S);
  if (system.value && known.length === 0) return html`<${Empty} title="No services">This system has stores alone.<//>`;
  return html`
    <form class="filters" onSubmit=${stay}>
      <label>Service <select value=${service} onChange=${given((name) => choose({}, name))}>
        ${known.map((name) => html`<option value=${name}>${name}</option>`)}
      </select></label>
      <label>${first ? "First" : "Last"} <select value=${minutes} onChange=${given((value) => choose({ minutes: value, from: "", to: "" }))}>
        ${Object.entries(MINUTES).map(([value, title]) => html`<option value=${value}>${title}</option>`)}
      </select></label>
      <${RunChoice} first=${options.get("run") || ""} second=${second} none=${instead || "now"} />
      <${Range} />
    </form>
    ${error && html`<p class="failed" role="alert">${error}</p>`}
    ${content && content.names.length === 0 && html`<${Empty} title="No metrics of ${service}">
      It has not been read yet, or it has no <code>/metrics</code>.<//>`}
    ${content && content.names.length > 0 && html`
      <p class="faint">Drag over a chart to see that time alone, in all charts${chosen.length ? "" : " and in the traces"}.</p>
      <${RequestCharts} content=${content} sinceStart=${chosen.length > 0} />
      <${Series} query=${query} names=${content.names} name=${options.get("name") || "process_resident_memory_bytes"}
        by=${options.get("by") || ""} />`}`;
}

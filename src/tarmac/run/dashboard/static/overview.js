// The first page: whether the system is well, where it is opened, what went wrong last, and what it consists of.

import { useEffect, useState } from "./vendor/preact-hooks.js";
import { Drawing, edgesOf, grouped, healthOf, laidOut } from "./graph.js";
import { Address, Failures } from "./parts.js";
import { Services } from "./services.js";
import { address, connected, place, seenAt, system } from "./state.js";
import { ServicePage } from "./service.js";
import { Empty, amount, clock, duration, health, html, percent, rate, useAnswer } from "./ui.js";

/** @import { Activities, Answer, Failure, Group, ObjectivesNow, RunningSystem, TimelineEvent, TimelineNow } from "./answers.d.ts" */

const WORLD = "world";
const [ADDRESSES, FAILURES, EVENTS] = [6, 4, 6];
/** Larger systems have their drawing on a page of its own. */
const MOST_DRAWN = 30;
/** Events of one state within so long of each other are one. */
const TOGETHER_S = 5;
/** With a larger share of failures a system is not called well, whatever its probes say. */
const MOST_FAILED = 0.02;
/** Steps of a start that say no more than that it goes on. */
const BETWEEN = new Set(["waiting", "preparing", "starting", "booted", "ready", "stopping"]);

/**
 * What users ask of the system: requests from outside, of which some failed.
 * @param {RunningSystem} now
 */
function entering({ edges }) {
  const counted = edges.filter((edge) => edge.source === WORLD && edge.requests_per_s !== null);
  if (counted.length === 0) return null;
  const sum = (/** @type {"requests_per_s" | "failed_per_s"} */ key) => counted.reduce((all, edge) => all + (edge[key] || 0), 0);
  return { requests: sum("requests_per_s"), failed: sum("failed_per_s"), p95: Math.max(...counted.map((edge) => edge.p95_s || 0)) };
}

/**
 * In a sentence how the system is, and the nodes that are not well.
 * @param {{ now: RunningSystem, groups: Group[] }} props
 */
function Standing({ now, groups }) {
  const by = (/** @type {string} */ state) => groups.filter((group) => healthOf(group) === state);
  const [failed, changing, off] = [by("failed"), by("changing"), by("off")];
  const ready = groups.length - failed.length - changing.length - off.length;
  const entry = entering(now);
  /** @type {[string, string]} */
  const [state, words] = !now.running ? ["off", "does not run"]
    : failed.length ? ["failed", `is not well: ${failed.length} of ${groups.length} failed`]
      : changing.length ? ["changing", `starts: ${ready} of ${groups.length} ready`]
        : entry && entry.failed > MOST_FAILED * entry.requests ? ["failed", "runs, but answers with errors"]
          : ["well", "is well"];
  return html`<section class="standing ${state}" aria-label="State">
    <p class="verdict" role="status"><span class="dot ${state}" aria-hidden="true"></span><b>${now.system}</b> ${words}</p>
    <p class="facts">
      ${now.running && html`<span>${ready} of ${groups.length} ready${off.length > 0 ? `, ${off.length} off` : ""}</span>`}
      ${entry && html`<span><b>${rate(entry.requests)}</b> requests</span>
        <span class=${entry.failed ? "failed" : ""}><b>${percent(entry.requests ? entry.failed / entry.requests : 0, 1)}</b> failed</span>
        ${entry.p95 > 0 && html`<span>p95 <b>${duration(entry.p95)}</b></span>`}`}
      ${now.namespace && now.namespace !== "default" && html`<span>namespace <code>${now.namespace}</code></span>`}
      ${now.undeclared.length > 0 && html`<a class="failed" href=${address("graph", "", { edges: "undeclared" })}>${now.undeclared.length} undeclared connections</a>`}
    </p>
    ${now.replaced.map((line) => html`<p class="changing" key=${line}>${line}</p>`)}
    ${!now.running && html`<p>This is what its runs left. <code>tarmac up</code> starts it.</p>`}
    ${!connected.value && now.running && html`<p class="failed">Not connected since ${clock(seenAt.value)}; this is the state of then.</p>`}
    ${now.running && [...failed, ...changing].slice(0, 6).map((group) => {
      const node = group.nodes.find((one) => health(one.state) !== "well") || group.nodes[0];
      return html`<p key=${group.name}><a href=${address("system", group.name)}>${group.name}</a> <span class=${healthOf(group)}>${node.state}</span> <small>${node.cause || node.detail}</small></p>`;
    })}
  </section>`;
}

/** @param {{ groups: Group[], running: boolean }} props */
function Open({ groups, running }) {
  if (!running) return html`<section class="card" aria-labelledby="open"><h2 id="open">Open</h2>
    <p class="faint">Nothing of it runs. What the runs left: <a href=${address("traces")}>traces</a>, <a href=${address("logs")}>logs</a>,${" "}
      <a href=${address("metrics")}>metrics</a>, <a href=${address("runs")}>runs</a>.</p></section>`;
  const pages = groups.filter((group) => group.nodes[0].page).sort((one, other) => Number(other.role === "service") - Number(one.role === "service"));
  const others = groups.filter((group) => group.role === "service" && !group.nodes[0].page && group.nodes[0].url);
  const shown = [...pages, ...others].slice(0, Math.max(pages.length, ADDRESSES));
  return html`<section class="card" aria-labelledby="open"><h2 id="open">Open</h2>
    ${shown.length === 0 && html`<p class="faint">Nothing has an address.</p>`}
    <ul class="plain">${shown.map(({ name, nodes: [node] }) => html`<li key=${name} class=${node.page ? "public" : ""}>
      <span>${name}</span> <${Address} url=${node.page || node.url} shown=${node.url || node.page} of=${name} /></li>`)}</ul>
  </section>`;
}

function Objectives() {
  /** @type {Answer<ObjectivesNow>} */
  const [content] = useAnswer("/api/objectives", 10);
  const found = content?.objectives || [];
  return html`<section class="card" aria-labelledby="objectives"><h2 id="objectives"><a href=${address("objectives")}>Objectives</a></h2>
    ${!content && html`<p class="faint">Looking…</p>`}
    ${content && found.length === 0 && html`<p class="faint">None; add some under <code>objectives:</code> in the system's file.</p>`}
    <ul class="plain">${found.map((one) => {
      const state = one.burns ? "failed" : one.good_share === null ? "off" : "well";
      return html`<li key=${one.name} title=${one.sentence}>
        <span><span class="dot ${state}" aria-hidden="true"></span>${one.name}</span>
        <span class=${state}>${one.good_share === null ? "no requests yet" : html`<b>${percent(one.good_share, 2)}</b> good`}${one.burns ? ", burns too fast" : ""}
          <small> ${percent(Math.max(0, one.budget_left), 0)} of the budget left</small></span></li>`;
    })}</ul>
  </section>`;
}

function LatestFailures() {
  /** @type {Answer<Failure[]>} */
  const [content, error] = useAnswer("/api/failures", 5);
  return html`<section class="card" aria-labelledby="failures"><h2 id="failures"><a href=${address("traces", "", { failed: "true" })}>Latest errors</a></h2>
    ${!content && html`<p class="faint">${error || "Looking…"}</p>`}
    ${content?.length === 0 && html`<p class="faint">None: no failed request, no line of level error.</p>`}
    <${Failures} failures=${content || []} most=${FAILURES} />
  </section>`;
}

/**
 * Events as people tell of them: what happened to several at about the same time is one; the newest first.
 * @param {TimelineEvent[]} events
 */
function told(events) {
  /** @type {(TimelineEvent & { others: number })[]} */
  const found = [];
  for (const event of events) {
    if (BETWEEN.has(event.state)) continue;
    const last = found[found.length - 1];
    if (last && last.state === event.state && event.at - last.at < TOGETHER_S) Object.assign(last, { at: event.at, node: event.node, others: last.others + 1 });
    else found.push({ ...event, others: 0 });
  }
  return found.slice(-EVENTS).reverse();
}

function Events() {
  /** @type {Answer<TimelineNow>} */
  const [content] = useAnswer("/api/timeline?most=300", 5);
  return html`<section class="card" aria-labelledby="events"><h2 id="events"><a href=${address("timeline")}>Events</a></h2>
    <ul class="plain">${told(content?.events || []).map((one) => html`<li key=${one.at + one.node}>
      <time>${clock(one.at * 1000)}</time> <span><a href=${address("timeline", one.others ? "" : one.node)}>${one.node}${one.others > 0 && ` and ${one.others} more`}</a> <span class=${health(one.state)}>${one.state}</span></span></li>`)}</ul>
  </section>`;
}

/** @param {{ now: RunningSystem, groups: Map<string, Group> }} props */
function Graph({ now, groups }) {
  const [shown, setShown] = useState(false);
  // After all else: where nodes stand takes longer to find out than the table.
  useEffect(() => { const timer = setTimeout(() => setShown(true)); return () => clearTimeout(timer); }, []);
  if (!shown) return "";
  const edges = edgesOf(now, groups);
  const unused = edges.filter((edge) => !edge.undeclared && edge.unused).length;
  return html`<section class="wide" aria-labelledby="graph">
    <div class="filters"><h2 id="graph">Graph</h2>
      ${unused > 0 && html`<span class="faint">${amount(unused)} of ${edges.length} edges were never used in this run; they are faint</span>`}
      <a href=${address("graph")}>Larger</a></div>
    <div class="graph card"><${Drawing} groups=${groups} graph=${laidOut(groups, edges)} edges=${edges} chosen=${undefined} zoom=${0} view="system" /></div>
  </section>`;
}

export function Overview() {
  const now = system.value;
  const { argument } = place.value;
  /** @type {Answer<Activities>} */
  const [activities] = useAnswer(argument ? null : "/api/activity", 10);
  if (now === null) return html`<${Empty} title="Looking…" />`;
  if (now.nodes.length === 0) {
    return html`<${Empty} title="Nothing runs">Start the system with <code>tarmac up</code>; this page shows it as it comes.<//>`;
  }
  const groups = grouped(now.nodes, now.activities);
  const chosen = groups.get(argument);
  if (chosen) return html`<${ServicePage} key=${argument} group=${chosen} now=${now} />`;
  return html`
    ${argument && html`<p class="failed" role="alert">Nothing here is called ${argument}.</p>`}
    <${Standing} now=${now} groups=${[...groups.values()]} />
    <div class="tiles">
      <${Open} groups=${[...groups.values()]} running=${now.running} /><${Objectives} /><${LatestFailures} /><${Events} />
    </div>
    <${Services} groups=${groups} named=${now.groups} activities=${activities} />
    ${now.running && groups.size <= MOST_DRAWN && html`<${Graph} now=${now} groups=${groups} />`}`;
}

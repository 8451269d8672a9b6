// The logs of all processes as they come: filtered here, and only the lines in sight are drawn.

import { useEffect, useRef, useState } from "./vendor/preact-hooks.js";
import { address, ask, place, system } from "./state.js";
import { Empty, Search, choosing, clock, html, isOf, serviceOf, stay, wordsOf } from "./ui.js";

/** @import { LogLine, LogLines } from "./answers.d.ts" */

const LEVELS = ["debug", "info", "warning", "error"];
const EVERY_MS = 1000;
/** Lines that the page keeps, half a kilobyte each; the oldest go first. */
const MOST_LINES = 200_000;
const ROW_PX = 24;
/** As high as browsers let something be; of more rows, the scroll bar moves several at once. */
const MOST_PX = 16_000_000;
/** Rows drawn above and below those in sight. */
const BEYOND = 20;

/**
 * The text that a filter looks at.
 * @param {LogLine} line
 */
function searched(line) {
  return `${line.said} ${fields(line)}`.toLowerCase();
}

/** @typedef {LogLine & { searched: string }} ReadLine */
/** @typedef {{ trace: string, lines: ReadLine[], cursor: string, leftOut: number, error: string }} Read */

/**
 * Follow the lines while they are wanted.
 * Returns what was read, in one object for each trace: lines are added to it, never copied.
 * @param {string} trace
 * @param {boolean} paused
 */
function useLines(trace, paused) {
  /** @type {{ current: Read }} */
  const read = useRef({ trace, lines: [], cursor: "", leftOut: 0, error: "" });
  if (read.current.trace !== trace) read.current = { trace, lines: [], cursor: "", leftOut: 0, error: "" };
  const [, draw] = useState(0);
  useEffect(() => {
    const now = read.current;
    let shown = true;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    async function look() {
      try {
        const query = new URLSearchParams({ trace, cursor: now.cursor });
        /** @type {LogLines} */
        const found = await ask(`/api/logs?${query}`);
        if (!shown) return;
        for (const line of found.lines) now.lines.push({ ...line, searched: searched(line) });
        if (now.lines.length > MOST_LINES) now.lines = now.lines.slice(-MOST_LINES * 0.9);
        Object.assign(now, { cursor: found.cursor, error: "", leftOut: now.leftOut + found.left_out });
      } catch (failure) {
        now.error = wordsOf(failure);
      }
      if (!shown) return;
      draw((count) => count + 1);
      timer = setTimeout(look, EVERY_MS);
    }
    if (!paused) look();
    return () => { shown = false; clearTimeout(timer); };
  }, [trace, paused]);
  return read.current;
}

/**
 * Filter lines; those that were looked at before, by the same filters, are not looked at again.
 * @param {ReadLine[]} lines
 * @param {URLSearchParams} options
 */
function useFiltered(lines, options) {
  // Empty at first: the hook keeps what it is given here as long as the view is open.
  /** @type {{ current: { lines: ReadLine[], filters: string, looked: number, found: ReadLine[] } }} */
  const known = useRef({ lines: [], filters: "", looked: 0, found: [] });
  const filters = options.toString();
  if (known.current.lines !== lines || known.current.filters !== filters) {
    known.current = { lines, filters, looked: 0, found: [] };
  }
  const { looked, found } = known.current;
  const fits = wanted(options);
  for (let index = looked; index < lines.length; index += 1) if (fits(lines[index])) found.push(lines[index]);
  known.current.looked = lines.length;
  return found;
}

/** @param {URLSearchParams} options */
function wanted(options) {
  const node = options.get("node") || "";
  const least = LEVELS.indexOf(options.get("level") || "");
  const words = (options.get("text") || "").toLowerCase();
  return (/** @type {ReadLine} */ line) => (!node || isOf(line.name, node))
    && (least < 0 || LEVELS.indexOf(line.level) >= least)
    && (!words || line.searched.includes(words));
}

/** @param {LogLine} line */
function fields(line) {
  return Object.entries(line.fields)
    .map(([name, value]) => `${name}=${typeof value === "object" ? JSON.stringify(value) : value}`).join(" ");
}

/** @param {{ line: LogLine, style?: object }} props */
export function Line({ line, style }) {
  return html`<div class="log ${line.level}" style=${style} role="row">
    <time role="cell" title=${line.at}>${clock(Date.parse(line.at))}</time>
    <span role="cell" class="from">${line.name}</span>
    <span role="cell" class="level">${line.level}</span>
    <span role="cell" class="said">${line.said} <small>${fields(line)}</small></span>
    <span role="cell">${line.trace && html`<a href=${address("traces", line.trace)} aria-label="Trace ${line.trace}">trace</a>`}</span>
  </div>`;
}

/** @param {{ options: URLSearchParams, paused: boolean, onPause: () => void }} props */
function Filters({ options, paused, onPause }) {
  const names = [...new Set((system.value?.nodes || []).map((node) => serviceOf(node.name)))];
  return html`<form class="filters" onSubmit=${stay}>
    <label>Process <select value=${options.get("node") || ""} onChange=${choosing("node")}>
      <option value="">all</option>
      ${[...names, "supervisor"].map((name) => html`<option value=${name}>${name}</option>`)}
    </select></label>
    <label>Level <select value=${options.get("level") || ""} onChange=${choosing("level")}>
      <option value="">all</option>
      ${LEVELS.slice(1).map((name) => html`<option value=${name}>${name}${name === "error" ? "" : " and worse"}</option>`)}
    </select></label>
    <label>Text <input type="search" value=${options.get("text") || ""} onInput=${choosing("text")} /></label>
    <label>Trace <${Search} size="12" value=${options.get("trace") || ""} onChange=${choosing("trace")} /></label>
    <button type="button" aria-pressed=${paused} onClick=${onPause}>${paused ? "Follow" : "Pause"}</button>
  </form>`;
}

export function Logs() {
  const { options } = place.value;
  const [paused, setPaused] = useState(false);
  const { lines, error, leftOut } = useLines(options.get("trace") || "", paused);
  const shown = useFiltered(lines, options);
  /** @type {{ current: HTMLElement | null }} */
  const box = useRef(null);
  const atEnd = useRef(true);
  const [top, setTop] = useState(0);
  const height = box.current?.clientHeight || 600;
  const tall = Math.min(shown.length * ROW_PX, MOST_PX);
  useEffect(() => { if (atEnd.current && box.current) box.current.scrollTop = tall; });
  function scrolled() {
    if (!box.current) return;
    const { scrollTop, clientHeight, scrollHeight } = box.current;
    atEnd.current = scrollTop + clientHeight >= scrollHeight - ROW_PX;
    setTop(scrollTop);
  }
  const share = tall > height ? Math.min(1, top / (tall - height)) : 0;
  const above = share * Math.max(0, shown.length - height / ROW_PX);
  const first = Math.max(0, Math.floor(above) - BEYOND);
  const last = Math.min(shown.length, Math.ceil(above + height / ROW_PX) + BEYOND);
  return html`
    <${Filters} options=${options} paused=${paused} onPause=${() => setPaused(!paused)} />
    ${error && html`<p class="failed" role="alert">${error}</p>`}
    <p class="faint" role="status">${shown.length} of ${lines.length} lines${leftOut ? `; ${leftOut} came too fast to be shown` : ""}</p>
    <div class="logs" ref=${box} onScroll=${scrolled} tabindex="0" role="table" aria-label="Log lines" aria-rowcount=${shown.length}>
      ${shown.length === 0 && html`<${Empty} title="No lines">Nothing was written, or the filters leave nothing.<//>`}
      <div style=${{ height: `${tall}px` }} role="rowgroup">
        ${shown.slice(first, last).map((line, index) => html`
          <${Line} key=${first + index} line=${line} style=${{ top: `${top + (first + index - above) * ROW_PX}px` }} />`)}
      </div>
    </div>`;
}

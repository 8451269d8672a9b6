// What views are made of: templates, hooks, words and times.

import { h } from "./vendor/preact.js";
import { useEffect, useState } from "./vendor/preact-hooks.js";
import htm from "./vendor/htm.js";
import { ask } from "./state.js";

export const html = htm.bind(h);

const WELL = new Set(["healthy", "done", "scheduled", "outside"]);
const FAILED = new Set(["unhealthy", "backoff", "crash-loop", "stopped"]);

/** Say how a node is in a state: well, failed, or on its way to either. */
export function health(state) {
  return WELL.has(state) ? "well" : FAILED.has(state) ? "failed" : "changing";
}

/** Write a duration in seconds as people say it. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 1) return `${(seconds * 1000).toPrecision(3).replace(/\.0+$/, "")} ms`;
  if (seconds < 120) return `${seconds.toFixed(seconds < 10 ? 2 : 0)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}

/** Write a number with three digits that count. */
export function amount(value) {
  const size = Math.abs(value);
  if (size >= 1e9) return `${(value / 1e9).toPrecision(3)} G`;
  if (size >= 1e6) return `${(value / 1e6).toPrecision(3)} M`;
  if (size >= 1e4) return `${(value / 1e3).toPrecision(3)} k`;
  return size === 0 ? "0" : String(Number(value.toPrecision(3)));
}

/** Write a share as a percentage, with as many digits as it needs. */
export function percent(share, digits = 2) {
  return share === null || share === undefined ? "–" : `${(100 * share).toFixed(digits)} %`;
}

/** The service or store that an instance is of: `orders` of `orders.2`. */
export function serviceOf(name) {
  return name.replace(/\.\d+$/, "");
}

/** List the services of a system, by name. */
export function services(system) {
  const found = (system?.nodes || []).filter((node) => node.role === "service");
  return [...new Set(found.map((node) => serviceOf(node.name)))];
}

/** Ask again and again while the view is shown, unless the path is empty; returns [answer, error]. */
export function useAnswer(path, everySeconds = 2) {
  const [answer, setAnswer] = useState({ path, content: null, error: null });
  useEffect(() => {
    let shown = true;
    let timer;
    async function look() {
      try {
        const content = await ask(path);
        if (shown) setAnswer({ path, content, error: null });
      } catch (error) {
        if (shown) setAnswer((before) => ({ path, content: before.path === path ? before.content : null, error: error.message }));
      }
      if (shown && everySeconds) timer = setTimeout(look, everySeconds * 1000);
    }
    if (path) look();
    return () => { shown = false; clearTimeout(timer); };
  }, [path]);
  return answer.path === path ? [answer.content, answer.error] : [null, null];
}

/** Show that nothing is there yet, and what to do about it. */
export function Empty({ title, children }) {
  return html`<section class="empty"><h2>${title}</h2><p>${children}</p></section>`;
}

// What views are made of: templates, hooks, words and times.

import { h } from "./vendor/preact.js";
import { useEffect, useState } from "./vendor/preact-hooks.js";
import htm from "./vendor/htm.js";
import { ask, choose } from "./state.js";

/** @import { Answer, RunningSystem } from "./answers.d.ts" */

export const html = htm.bind(h);

const WELL = new Set(["healthy", "running", "done", "scheduled"]);
const FAILED = new Set(["unhealthy", "backoff", "crash-loop"]);
const OFF = new Set(["off", "outside", "stopped"]);

/**
 * Say how a node is in a state: well, failed, off as it should be, or on its way to any of these.
 * @param {string} state
 */
export function health(state) {
  return WELL.has(state) ? "well" : FAILED.has(state) ? "failed" : OFF.has(state) ? "off" : "changing";
}

/** @param {number} number */
const two = (number) => String(number).padStart(2, "0");

/**
 * Write the time of a moment in 24 hours of this machine; of another day than today with its date.
 * @param {number} ms since the epoch
 * @param {boolean} [seconds]
 */
export function clock(ms, seconds = true) {
  const at = new Date(ms);
  if (Number.isNaN(ms)) return "–";
  const time = `${two(at.getHours())}:${two(at.getMinutes())}${seconds ? `:${two(at.getSeconds())}` : ""}`;
  if (at.toDateString() === new Date().toDateString()) return time;
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}

/**
 * Write so many seconds since a start: `4:05`, `1:00:00`.
 * @param {number} seconds
 */
export function elapsed(seconds) {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return `${hours ? `${hours}:${two(minutes)}` : minutes}:${two(Math.floor(seconds % 60))}`;
}

/**
 * Write a size in bytes.
 * @param {number | null | undefined} value
 */
export function bytes(value) {
  if (value === null || value === undefined) return "–";
  if (value >= 1e9) return `${(value / 1e9).toPrecision(3)} GB`;
  return value >= 1e6 ? `${Math.round(value / 1e6)} MB` : `${amount(value / 1e3)} kB`;
}

/**
 * Write how many times a second something happens.
 * @param {number | null | undefined} perSecond
 */
export function rate(perSecond) {
  if (perSecond === null || perSecond === undefined) return "–";
  return `${perSecond >= 10 ? amount(Math.round(perSecond)) : amount(Number(perSecond.toFixed(1)))}/s`;
}

/**
 * Write a duration in seconds as people say it.
 * @param {number | null | undefined} seconds
 */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 1) return `${(seconds * 1000).toPrecision(3).replace(/\.0+$/, "")} ms`;
  if (seconds < 120) return `${seconds.toFixed(seconds < 10 ? 2 : 0)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}

/**
 * Write a number with three digits that count.
 * @param {number} value
 */
export function amount(value) {
  const size = Math.abs(value);
  if (size >= 1e9) return `${(value / 1e9).toPrecision(3)} G`;
  if (size >= 1e6) return `${(value / 1e6).toPrecision(3)} M`;
  if (size >= 1e4) return `${(value / 1e3).toPrecision(3)} k`;
  return size === 0 ? "0" : String(Number(value.toPrecision(3)));
}

/**
 * Write a share as a percentage, with as many digits as it needs.
 * @param {number | null | undefined} share
 * @param {number} [digits]
 */
export function percent(share, digits = 2) {
  return share === null || share === undefined ? "–" : `${(100 * share).toFixed(digits)} %`;
}

/**
 * The service or store that an instance is of: `orders` of `orders.2`.
 * @param {string} name
 */
export function serviceOf(name) {
  return name.replace(/\.\d+$/, "");
}

/**
 * List the services of a system, by name.
 * @param {RunningSystem | null} system
 */
export function services(system) {
  const found = (system?.nodes || []).filter((node) => node.role === "service");
  return [...new Set(found.map((node) => serviceOf(node.name)))];
}

/**
 * Ask again and again while the view is shown, unless the path is empty; returns [answer, error].
 * @template T what is answered
 * @param {string | null} path
 * @param {number} [everySeconds] 0: once
 * @returns {Answer<T>}
 */
export function useAnswer(path, everySeconds = 2) {
  /** @type {{ path: string | null, content: T | null, error: string | null }} */
  const nothing = { path, content: null, error: null };
  const [answer, setAnswer] = useState(nothing);
  useEffect(() => {
    let shown = true;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    async function look() {
      try {
        const content = await ask(path || "");
        if (shown) setAnswer({ path, content, error: null });
      } catch (error) {
        if (shown) setAnswer((before) => ({ path, content: before.path === path ? before.content : null, error: wordsOf(error) }));
      }
      if (shown && everySeconds) timer = setTimeout(look, everySeconds * 1000);
    }
    if (path) look();
    return () => { shown = false; clearTimeout(timer); };
  }, [path, everySeconds]);
  return answer.path === path ? [answer.content, answer.error] : [null, null];
}

/**
 * Make a handler for a field's event of what is done with its value.
 * @param {(value: string) => void} use
 */
export function given(use) {
  return (/** @type {Event} */ event) => use(/** @type {HTMLInputElement} */ (event.target).value);
}

/**
 * Say whether a node has this name, or is one of the instances of a service that has it.
 * @param {string} node
 * @param {string} name
 */
export function isOf(node, name) {
  return node === name || serviceOf(node) === name;
}

/**
 * Make a handler that puts a field's value into the address.
 * @param {string} name of the option
 */
export function choosing(name) {
  return given((value) => choose({ [name]: value }));
}

/**
 * A search field whose text is for `onChange`, once it is confirmed. What is being typed stays when
 * the view is drawn again meanwhile.
 * @param {{ value: string, onChange: (event: Event) => void, size?: string, list?: string }} props
 */
export function Search({ value, ...attributes }) {
  const [draft, setDraft] = useState(value);
  useEffect(() => setDraft(value), [value]);
  return html`<input type="search" ...${attributes} value=${draft} onInput=${given(setDraft)} />`;
}

/**
 * Let a form send nothing: its fields act by themselves.
 * @param {Event} event
 */
export function stay(event) {
  event.preventDefault();
}

/**
 * Say what went wrong.
 * @param {unknown} error
 */
export function wordsOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Show that nothing is there yet, and what to do about it.
 * @param {{ title: string, children?: unknown }} props
 */
export function Empty({ title, children }) {
  return html`<section class="empty"><h2>${title}</h2><p>${children}</p></section>`;
}

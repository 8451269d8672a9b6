// A chart of lines over time, in the colours of the page.

import { useEffect, useRef } from "./vendor/preact-hooks.js";
import UPlot from "./vendor/uplot.js";
import { html } from "./ui.js";

const HEIGHT = 190;
/** As the style sheet names them; lines beyond begin again. */
const COLOURS = ["--accent", "--line-2", "--line-3", "--line-4", "--line-5", "--line-6", "--line-7", "--line-8"];

/** Say which values stand alone: no line leads to them, so they are drawn as points. */
function isolated(chart, series) {
  const values = chart.data[series];
  return values.flatMap((value, index) => (
    value !== null && values[index - 1] == null && values[index + 1] == null ? [index] : []));
}

function options(width, names, write, colour) {
  const axis = { stroke: colour("--faint"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  return {
    width,
    height: HEIGHT,
    scales: { y: { range: (_, least, most) => [Math.min(0, least ?? 0), (most || 1) * 1.08] } },
    axes: [axis, { ...axis, size: 70, values: (_, ticks) => ticks.map(write) }],
    legend: { live: true },
    cursor: { y: false },
    series: [
      { value: (_, at) => (at === null ? "–" : new Date(at * 1000).toLocaleTimeString()) },
      ...names.map(([name, failed], index) => ({
        label: name,
        stroke: colour(failed ? "--failed" : COLOURS[index % COLOURS.length]),
        width: 1.6,
        points: { size: 5, show: false, filter: isolated },
        value: (_, value) => (value === null ? "–" : write(value)),
      })),
    ],
  };
}

/**
 * Draw lines.
 * @param title what is shown, with its unit.
 * @param ends the moment of each step, in milliseconds.
 * @param lines [name, values, whether it is one of failures] of each line.
 * @param write how a value is written.
 */
export function Chart({ title, ends, lines, write }) {
  const place = useRef(null);
  const chart = useRef(null);
  const names = lines.map(([name, , failed]) => [name, failed]);
  const data = [ends.map((end) => end / 1000), ...lines.map(([, values]) => values)];
  const shape = JSON.stringify(names);
  useEffect(() => {
    const colours = getComputedStyle(document.documentElement);
    const colour = (name) => colours.getPropertyValue(name).trim();
    const drawn = new UPlot(options(place.current.clientWidth, names, write, colour), data, place.current);
    chart.current = drawn;
    for (const name of place.current.querySelectorAll(".u-legend th")) name.scope = "row";
    const resized = new ResizeObserver(() => drawn.setSize({ width: place.current.clientWidth, height: HEIGHT }));
    resized.observe(place.current);
    return () => { resized.disconnect(); drawn.destroy(); };
  }, [shape]);
  useEffect(() => { chart.current?.setData(data); });
  const said = lines.map(([name, values]) => {
    const known = values.filter((value) => value !== null);
    return known.length ? `${name} ${write(known.at(-1))}, at most ${write(Math.max(...known))}` : `${name} unknown`;
  });
  return html`<figure class="chart" role="img" aria-label="${title}: ${said.join("; ")}">
    <figcaption>${title}</figcaption>
    <div ref=${place}></div>
  </figure>`;
}

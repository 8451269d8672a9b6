// What seeing.py looks at in a page. One expression: an object of three functions.
({
structure: () => {
  const wrong = [];
  const say = (what, element) =>
    wrong.push(what + (element ? ": " + element.outerHTML.slice(0, 120) : ""));
  const all = (selector) => [...document.querySelectorAll(selector)];
  const shown = (element) => element.checkVisibility();
  const text = (element) => (element.getAttribute("aria-label") || element.innerText || element.querySelector("title")?.textContent || "").trim();
  if (!document.documentElement.lang) say("the page names no language");
  if (!document.title.trim()) say("the page has no title");
  for (const [selector, name] of [["main", "main"], ["body > header", "header"], ["footer", "footer"]])
    if (all(selector).length !== 1) say(`there are ${all(selector).length} of ${name}`);
  if (all("h1").length !== 1) say(`there are ${all("h1").length} h1`);
  let level = 0;
  for (const heading of all("h1,h2,h3,h4,h5,h6").filter(shown)) {
    const own = Number(heading.tagName[1]);
    if (own > level + 1) say(`a heading of level ${own} follows one of level ${level}`, heading);
    level = own;
  }
  const ids = all("[id]").map((element) => element.id);
  for (const id of new Set(ids)) if (ids.filter((each) => each === id).length > 1) say(`the id ${id} is there twice`);
  for (const name of ["aria-describedby", "aria-labelledby"])
    for (const element of all(`[${name}]`))
      for (const id of element.getAttribute(name).split(" "))
        if (!document.getElementById(id)) say(`${name} names ${id}, which is not there`, element);
  for (const field of all("input:not([type=hidden]),select,textarea").filter(shown))
    if (!field.labels?.length && !field.getAttribute("aria-label")) say("a field has no label", field);
  for (const element of all("a[href],button").filter(shown))
    if (!text(element) && !element.closest("[aria-hidden=true]")) say("it has no name", element);
  for (const image of all("img:not([alt])")) say("an image has no alternative", image);
  for (const drawing of all("svg"))
    if (!drawing.closest("[aria-hidden=true]") && drawing.getAttribute("role") !== "img" && !(drawing.getAttribute("role") === "group" && text(drawing)))
      say("a drawing is neither hidden nor named", drawing);
  for (const group of all("nav")) if (all("nav").length > 1 && !text(group)) say("a nav has no name", group);
  for (const table of all("table"))
    if (!table.querySelector("th[scope]")) say("a table has no headers", table);
  const skip = document.querySelector("a");
  if (!skip || !document.getElementById(skip.hash.slice(1))) say("the first link skips nothing", skip);
  for (const element of all("a[href],button,input:not([type=hidden]),select").filter(shown)) {
    const box = (element.closest("label") || element).getBoundingClientRect();
    const inText = element.matches("a") && element.closest("p,li,th,td,h2,dd");
    if (!inText && !element.classList.contains("skip") && (box.width < 24 || box.height < 24))
      say(`it is ${box.width.toFixed(0)} by ${box.height.toFixed(0)}`, element);
  }
  if (document.documentElement.scrollWidth > document.documentElement.clientWidth)
    say(`the page is ${document.documentElement.scrollWidth} wide on ${document.documentElement.clientWidth}`);
  return wrong;
},
contrast: () => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].map((part, index) => (index < 3 ? part : part / 255));
  };
  const over = (top, below) => top.slice(0, 3).map((part, index) => part * top[3] + below[index] * (1 - top[3]));
  const ground = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const own = rgba(getComputedStyle(at).backgroundColor);
      layers.push(own);
      if (own[3] === 1) break;
    }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const light = (colour) => {
    const [r, g, b] = colour.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const wrong = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest("svg,noscript,.unseen,.skip,option,[aria-busy=true]")) continue;
    const style = getComputedStyle(element);
    const below = ground(element);
    const above = over(rgba(style.color), below);
    const [high, low] = [light(above), light(below)].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) wrong.add(`${ratio.toFixed(2)}: ${walker.currentNode.data.trim().slice(0, 40)}`);
  }
  return [...wrong];
},
listen: () => {
  const wrong = (window.unseen = new Set());
  const reached = (window.reached = new Set());
  document.activeElement?.blur();
  scrollTo(0, 0);
  document.addEventListener("focusin", ({ target }) => {
    reached.add(target);
    const shown = target.matches(".switch input") ? target.nextElementSibling : target;
    const style = getComputedStyle(shown);
    if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2)
      wrong.add(target.outerHTML.slice(0, 100));
  });
  const all = [...document.querySelectorAll("a[href],button,input:not([type=hidden]),select,summary,[tabindex='0']")];
  // A group of radios is one stop.
  const groups = new Set(all.filter((each) => each.type === "radio").map((each) => each.name));
  const single = all.filter((each) => each.type !== "radio" && !each.disabled && each.tabIndex >= 0 && each.checkVisibility());
  return (window.expected = single.length + groups.size);
},
heard: () => {
  const missed = window.expected - window.reached.size;
  return [...window.unseen, ...(missed > 0 ? [`the Tab key leads to ${missed} fewer than there are`] : [])];
},
})

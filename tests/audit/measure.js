// What is measured inside an open page. Returns numbers, and of each flaw a word on where it is.
() => {
  const place = (element) =>
    element.tagName.toLowerCase() + (element.id ? "#" + element.id : "") +
    [...element.classList].slice(0, 2).map((name) => "." + name).join("") +
    " “" + (element.innerText || element.textContent || "").trim().slice(0, 30) + "”";

  // ---- contrast: the colour of every text that is seen, against all that lies behind it
  const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    probe.clearRect(0, 0, 1, 1);
    probe.fillStyle = colour;
    probe.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = probe.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, under) => top.slice(0, 3).map((c, i) => c * top[3] + under[i] * (1 - top[3]));
  const canvas = matchMedia("(prefers-color-scheme: dark)").matches && getComputedStyle(document.documentElement).colorScheme.includes("dark") ? [18, 18, 18] : [255, 255, 255];
  const behind = (element) => {
    const layers = [];
    for (let e = element; e; e = e.parentElement) layers.push(rgba(getComputedStyle(e).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), canvas);
  };
  const light = (colour) => {
    const linear = colour.map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const opacity = (element) => {
    let all = 1;
    for (let e = element; e; e = e.parentElement) all *= Number(getComputedStyle(e).opacity);
    return all;
  };
  let contrast = 21;
  const faint = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const known = new Map();
  const papers = new Map([["", behind(document.body)]]);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || known.has(element)) continue;
    known.set(element, true);
    if (element.closest("script, style, noscript, .katex-mathml, [disabled], details:not([open]) > :not(summary)")) continue;
    const box = element.getBoundingClientRect();
    if (box.width < 2 || box.height < 2 || !element.checkVisibility({ visibilityProperty: true })) continue;
    const alpha = opacity(element);
    if (alpha === 0) continue; // shown only under the pointer: its colours then are those of a link
    const style = getComputedStyle(element);
    const ink = rgba(element.closest("svg") ? style.fill : style.color);
    const paper = behind(element);
    papers.set(String(paper), paper);
    const [dark, bright] = [light(over([...ink.slice(0, 3), ink[3] * alpha], paper)), light(paper)].sort((a, b) => a - b);
    const ratio = (bright + 0.05) / (dark + 0.05);
    contrast = Math.min(contrast, ratio);
    if (ratio < 7) faint.push(ratio.toFixed(1) + " " + place(element));
  }

  // ---- room
  const code = [...document.querySelectorAll("article div.highlight pre")].filter((pre) => pre.clientWidth);
  const scrolling = code.filter((pre) => pre.scrollWidth > pre.clientWidth + 1);
  const page = document.documentElement;
  return {
    contrast, faint,
    code: code.length,
    scrolling: scrolling.map(place),
    sideways: page.scrollWidth > innerWidth ? [page.scrollWidth + " px wide"] : [],
    papers: [...papers.values()],
  };
}

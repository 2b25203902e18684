// The boxes of all text that is seen in the window now and was not before: its lines, the labels that
// the style writes, and the words in figures. Each is { what, figure, box: [left, top, right, bottom] }.
async () => {
  const known = (window.auditKnown ||= new Set());
  const place = (element, text) =>
    element.tagName.toLowerCase() + [...element.classList].slice(0, 2).map((name) => "." + name).join("") +
    " “" + text.trim().slice(0, 30) + "”";
  const inWindow = (box) => box.bottom > 0 && box.top < innerHeight;

  // What an element and those around it leave to be seen of what is in them.
  const holes = new Map([[null, [0, -scrollY, innerWidth, 1e9]]]);
  const hole = (element) => {
    if (holes.has(element)) return holes.get(element);
    let left = hole(element.parentElement);
    const style = getComputedStyle(element);
    if (style.display !== "inline" && (style.overflow !== "visible" || style.clip !== "auto")) {
      const edge = element.getBoundingClientRect();
      left = [Math.max(left[0], edge.left), Math.max(left[1], edge.top), Math.min(left[2], edge.right), Math.min(left[3], edge.bottom)];
    }
    holes.set(element, left);
    return left;
  };
  // Whether the element itself is what is seen in the middle of a box, not a bar that lies on it.
  const seen = ([left, top, right, bottom], element) => {
    if (top < 0 || bottom > innerHeight) return false;
    const hit = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    const formula = element.closest(".katex"); // whose parts lie on each other
    return hit && (hit.contains(element) || element.contains(hit) || formula !== null && formula.contains(hit));
  };
  const found = [], hidden = [];
  const add = (key, what, { left, top, right, bottom }, element, figure = false) => {
    const edge = hole(element);
    const box = [Math.max(left, edge[0]), Math.max(top, edge[1]), Math.min(right, edge[2]), Math.min(bottom, edge[3])];
    const cut = box[2] - box[0] < 0.9 * (right - left) || box[3] - box[1] < 0.9 * (bottom - top);
    if (cut || box[2] - box[0] < 2) return; // scrolled away in its own box, or for ears only
    if (seen(box, element)) known.add(key), found.push({ what, figure, box });
    else hidden.push(what);
  };

  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  while (texts.nextNode()) {
    const node = texts.currentNode, element = node.parentElement;
    if (known.has(node) || !node.data.trim()) continue;
    const boxes = [];
    for (const line of node.data.matchAll(/\S(?:[^\n]*\S)?/g)) { // spaces around it show nothing
      range.setStart(node, line.index), range.setEnd(node, line.index + line[0].length);
      boxes.push(...[...range.getClientRects()].filter(inWindow));
    }
    if (!boxes.length || element.closest("script, style, noscript, template, [disabled]")) continue;
    if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    for (const box of boxes) add(node, place(element, node.data), box, element);
  }
  // The label at the top of a cell is written by the style.
  for (const element of document.querySelectorAll("article div")) {
    const box = element.getBoundingClientRect(), first = element.firstElementChild;
    if (known.has(element) || !first || !inWindow(box)) continue;
    const text = getComputedStyle(element, "::before").content;
    if (!/^".*\w/.test(text) || !element.checkVisibility()) continue;
    add(element, place(element, text), new DOMRect(box.left, box.top, box.width, first.getBoundingClientRect().top - box.top), element);
  }
  // The words of a figure of matplotlib are groups of glyphs, in a file of its own.
  for (const img of document.querySelectorAll('article img[src$=".svg"]')) {
    const edge = img.getBoundingClientRect();
    if (!inWindow(edge) || !img.checkVisibility()) continue;
    await img.decode();
    const copy = document.createElement("div");
    copy.style = `position: absolute; visibility: hidden; left: ${edge.left + scrollX}px; top: ${edge.top + scrollY}px;`;
    copy.innerHTML = await (await fetch(img.src)).text();
    const svg = copy.querySelector("svg");
    svg.setAttribute("width", edge.width), svg.setAttribute("height", edge.height);
    document.body.append(copy);
    for (const group of svg.querySelectorAll('g[id^="text_"]')) {
      const words = [...group.childNodes].find((node) => node.nodeType === Node.COMMENT_NODE);
      add(img.src + group.id, `figure “${(words?.data || group.id).trim()}”`, group.getBoundingClientRect(), img, true);
    }
    copy.remove();
  }
  return { found, hidden };
}

// What a reader operates on the pages of the book itself. Without this file all of them can be read.
"use strict";

(() => {
  // ---- the control of the pairs: one choice for the whole book ----
  const radios = [...document.querySelectorAll('.pair-control input[name="pair"]')];
  const root = document.documentElement;
  const choose = (side) => {
    root.dataset.pair = side;
    for (const radio of radios) radio.checked = radio.value === side;
  };
  choose(root.dataset.pair || "both");
  for (const radio of radios) {
    radio.addEventListener("change", () => {
      // what the reader looks at stays where it is, although cells above it may go or come
      const before = radio.getBoundingClientRect().top;
      choose(radio.value);
      scrollBy(0, radio.getBoundingClientRect().top - before);
      try { localStorage.setItem("pair", radio.value); } catch { /* then only for this page */ }
    });
  }
  addEventListener("storage", (event) => {
    if (event.key === "pair") choose(event.newValue || "both");
  });
  // a link to a cell that is hidden shows it
  const reveal = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.closest("div.pair > div.cell") && !target.checkVisibility()) choose("both");
  };
  addEventListener("hashchange", reveal);
  reveal();

  // ---- what a link refers to, under the pointer or the focus: a formula, a word of the glossary ----
  let box = null, owner = null, leaving = 0;
  const hide = () => {
    clearTimeout(leaving);
    if (owner) owner.removeAttribute("aria-describedby");
    if (box) box.remove();
    box = owner = null;
  };
  const hideSoon = () => { leaving = setTimeout(hide, 200); }; // the pointer may go over to the box
  const show = (link, content) => {
    hide();
    owner = link;
    box = document.createElement("div");
    box.className = "preview";
    box.id = "preview";
    box.setAttribute("role", "tooltip");
    box.append(content());
    link.closest("main").append(box); // what a landmark holds is found
    link.setAttribute("aria-describedby", box.id);
    const at = link.getClientRects()[0]; // where it begins, if it goes over two lines
    const left = Math.max(16, Math.min(at.left, root.clientWidth - box.offsetWidth - 16));
    const above = at.top - box.offsetHeight - 8;
    box.style.left = `${left + scrollX}px`;
    box.style.top = `${(above > 0 ? above : at.bottom + 8) + scrollY}px`;
    box.addEventListener("mouseenter", () => clearTimeout(leaving));
    box.addEventListener("mouseleave", hide);
  };
  const preview = (link, content) => {
    for (const event of ["mouseenter", "focus"]) link.addEventListener(event, () => show(link, content));
    link.addEventListener("mouseleave", hideSoon);
    link.addEventListener("blur", hide);
  };
  // a formula of this page is copied from its place; one of another page waits at the end of the text
  const elsewhere = new Map([...document.querySelectorAll("template[data-equation]")]
    .map((template) => [template.dataset.equation, template.content]));
  const formula = (id) => elsewhere.get(id) ?? document.getElementById(id)?.querySelector(".katex-display");
  for (const link of document.querySelectorAll('article a[href*="#equation-"]:not(.headerlink, dt > a)')) {
    const found = formula(link.hash.slice(1));
    if (found) preview(link, () => found.cloneNode(true));
  }
  for (const link of document.querySelectorAll("article a.term[title]")) {
    const definition = link.title;
    link.removeAttribute("title"); // or the browser would show it as well
    preview(link, () => definition);
  }
  addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });

  // ---- what scrolls in its own box can be reached by keyboard ----
  const boxes = document.querySelectorAll("article :is(.math > .formula, dd .math, div.highlight pre, .cell_output > .output, .pst-scrollable-table-container)");
  let turn = 0;
  const reach = (from = 0) => { // a few at a time: to ask makes the browser lay out what is far below
    clearTimeout(turn);
    const end = performance.now() + 5;
    let next = from;
    while (next < boxes.length && performance.now() < end) {
      const box = boxes[next++], scrolls = box.scrollWidth > box.clientWidth;
      if (scrolls) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
    if (next < boxes.length) turn = setTimeout(reach, 20, next);
  };
  addEventListener("resize", () => reach());
  // once the page is drawn: to ask before would make the browser lay it out twice
  document.fonts.ready.then(() => requestAnimationFrame(() => setTimeout(reach)));

  // ---- paper is white, and shows what is folded, also where the style alone cannot ----
  let opened = [], theme = "";
  addEventListener("beforeprint", () => {
    theme = root.dataset.theme;
    root.dataset.theme = "light";
    opened = [...document.querySelectorAll("article details:not([open])")];
    for (const fold of opened) fold.open = true;
  });
  addEventListener("afterprint", () => {
    root.dataset.theme = theme;
    for (const fold of opened) fold.open = false;
  });
})();

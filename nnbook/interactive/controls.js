// What all figures share: rows of choices, a slider with a button on each side, the arrow keys,
// a line for screen readers, and the state in the address. A figure's own script calls
//   operate(root, (choices, position) => words)
// with a function that shows a state and returns what a screen reader should say of it.
// `choices` are the values of the pressed buttons, one a row; `position` counts from 0.

function operate(root, show) {
  const find = (selector) => root.querySelector(selector);
  const rows = [...root.querySelectorAll(".nn-choice")].map((row) => [...row.querySelectorAll("button")]);
  const slider = find(".nn-slider"), back = find(".nn-back"), next = find(".nn-next");
  const last = slider.max - 1;
  const choices = rows.map((buttons) => buttons[0].value);
  let position = 0;

  function draw() {
    rows.forEach((buttons, row) => buttons.forEach((button) => {
      button.setAttribute("aria-pressed", button.value === choices[row]);
    }));
    slider.value = position + 1;
    slider.setAttribute("aria-valuetext", `${position + 1} of ${last + 1}`);
    // not disabled, which would take the focus away
    back.setAttribute("aria-disabled", position === 0);
    next.setAttribute("aria-disabled", position === last);
    return show(choices, position);
  }

  function change(to) {
    position = Math.min(Math.max(to, 0), last);
    find(".nn-said").textContent = draw();
    write();
  }

  // The address keeps its anchor and whatever else it holds, and "back" leads to the page before.
  // JupyterLab's address is its own.
  function write() {
    if (root.closest(".jp-LabShell, .jp-NotebookShell")) return;
    const address = new URL(location.href);
    address.searchParams.set(root.dataset.name, [...choices, position + 1].join("."));
    try {
      history.replaceState(history.state, "", address);
    } catch { /* a frame without an address of its own */ }
  }

  function read() {
    const state = (new URLSearchParams(location.search).get(root.dataset.name) ?? "").split(".");
    const number = Number(state.pop());
    const known = rows.every((buttons, row) => buttons.some((button) => button.value === state[row]));
    if (!known || !(number >= 1 && number <= last + 1 && Number.isInteger(number))) return;
    choices.splice(0, choices.length, ...state.slice(0, rows.length));
    position = number - 1;
  }

  rows.forEach((buttons, row) => buttons.forEach((button) => {
    button.addEventListener("click", () => { choices[row] = button.value; change(position); });
  }));
  back.addEventListener("click", () => change(position - 1));
  next.addEventListener("click", () => change(position + 1));
  slider.addEventListener("input", () => change(slider.value - 1));
  root.addEventListener("keydown", (event) => {
    const keys = { ArrowLeft: position - 1, ArrowRight: position + 1, Home: 0, End: last };
    const modified = event.altKey || event.ctrlKey || event.metaKey || event.shiftKey;
    // the slider knows these keys, and a table scrolls with them
    if (!(event.key in keys) || modified || !event.target.closest("button")) return;
    event.preventDefault();
    change(keys[event.key]);
  });
  window.addEventListener("popstate", () => { read(); draw(); });

  const toggle = find(".nn-toggle");
  toggle.addEventListener("click", () => {
    toggle.setAttribute("aria-expanded", root.classList.toggle("nn-open"));
  });
  root.querySelectorAll("[hidden]").forEach((element) => { element.hidden = false; });
  root.classList.add("nn-ready");
  read();
  draw();
}

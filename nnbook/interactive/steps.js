// The figure of `steps.py`: shows one row of its tables at a time, and no number of its own.

document.querySelectorAll(".nn-steps:not(.nn-ready)").forEach((root) => {
  const find = (selector) => root.querySelector(selector);
  const steps = [...root.querySelectorAll(".nn-steps-table tbody tr")];
  const runs = [...root.querySelectorAll("[data-run]")];
  const slots = [...root.querySelectorAll("svg [data-slot]")];
  const initial = slots.map((slot) => slot.textContent);

  // Lines of a step in a run: what it is, its formula, its numbers and its result.
  function lines(run, step) {
    const numbers = run.querySelectorAll("tbody tr")[step].querySelectorAll("p");
    return [...steps[step].querySelectorAll("[data-slot]")].map((formula, i) => ({
      slot: formula.dataset.slot,
      words: formula.title,
      formula,
      numbers: numbers[i],
      value: numbers[i].querySelector("b").textContent,
    }));
  }

  function draw(run, position) {
    const row = steps[position];
    const lit = row.dataset.lit.split(" ");
    find("svg").setAttribute("class", `nn-${row.dataset.phase}`);
    root.querySelectorAll("[data-part]").forEach((part) => {
      part.classList.toggle("nn-lit", lit.includes(part.dataset.part));
    });
    // what is known by now: the latest value of each place
    const known = {};
    for (let step = 0; step <= position; step++) {
      for (const { slot, value } of lines(run, step)) known[slot] = { value, fresh: step === position };
    }
    slots.forEach((slot, i) => {
      const { value, fresh = false } = known[slot.dataset.slot] ?? {};
      slot.textContent = value === undefined ? initial[i] : (slot.dataset.before ?? "") + value;
      slot.classList.toggle("nn-fresh", fresh);
    });
  }

  operate(root, (choices, position) => {
    runs.forEach((run) => { run.hidden = run.dataset.run !== choices.join("."); });
    const run = runs.find((run) => !run.hidden);
    draw(run, position);
    const row = steps[position];
    const [title, why] = row.cells[1].children;
    const where = `Step ${position + 1} of ${steps.length}, ${row.dataset.phase}`;
    find(".nn-where").textContent = where;
    find(".nn-where").dataset.phase = row.dataset.phase;
    find(".nn-title").textContent = title.textContent;
    find(".nn-why").textContent = why.textContent;
    const results = lines(run, position);
    find(".nn-formulas").innerHTML = results.map(({ formula, numbers }) => {
      const right = numbers.innerHTML.replace(/<i>.*<\/i> /, "");
      // one piece up to each sign, so that lines break there
      const pieces = `${formula.innerHTML} ${right}`.split(/ (?=[=≈←] )/);
      return `<div>${pieces.map((piece) => `<span>${piece}</span>`).join(" ")}</div>`;
    }).join("");
    find(".nn-equations").innerHTML = row.cells[3].innerHTML && `Equation ${row.cells[3].innerHTML}`;
    root.querySelectorAll(".nn-code div").forEach((place, i) => {
      place.innerHTML = row.cells[4 + i].innerHTML;
    });
    const said = results.map(({ words, value }) => `${words}: ${value}`);
    return `${where}. ${title.textContent}. ${said.join("; ")}.`;
  });
});

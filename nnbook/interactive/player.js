// The figure of `player.py`: shows one row of its tables at a time, and no number of its own.

document.querySelectorAll(".nn-player:not(.nn-ready)").forEach((root) => {
  const find = (selector) => root.querySelector(selector);
  const choice = find(".nn-choice span")?.textContent ?? "";
  const runs = [...root.querySelectorAll("[data-run]")].map((table) => ({
    slug: table.dataset.run,
    label: find(`button[value="${table.dataset.run}"]`)?.textContent ?? "",
    heads: [...table.querySelectorAll("thead th")].map((head) => head.textContent),
    rows: [...table.querySelectorAll("tbody tr")].map((row) => [...row.cells].map((cell) => cell.textContent)),
  }));
  const ways = [...root.querySelectorAll("[data-way]")].map((group) => ({
    group,
    line: group.querySelector(".nn-way"),
    places: group.querySelector(".nn-way").getAttribute("points").split(" "),
    hands: group.dataset.hands.split(";"),
  }));
  const play = find(".nn-play"), next = find(".nn-next"), slider = find(".nn-slider");
  let timer = 0;

  function isOutside(place) {
    const frame = find(".nn-frame");
    const [x, y, width, height] = ["x", "y", "width", "height"].map((name) => Number(frame.getAttribute(name)));
    const [px, py] = place.split(",").map(Number);
    return px < x || px > x + width || py < y || py > y + height;
  }

  function draw(position, run) {
    ways.forEach(({ group, line, places, hands }) => {
      line.setAttribute("points", places.slice(0, position + 1).join(" "));
      const ball = group.querySelector(".nn-ball"), place = places[position];
      ball.toggleAttribute("hidden", place === undefined);
      if (place) {
        ["cx", "cy"].forEach((name, i) => { ball.setAttribute(name, place.split(",")[i]); });
      }
      group.querySelector(".nn-hand").setAttribute("points", hands[position] ?? "");
      const lit = group.dataset.way === run.slug;
      group.classList.toggle("nn-lit", lit);
      if (lit) group.parentNode.append(group); // on top of the others
    });
  }

  operate(root, (choices, position) => {
    const run = runs.find(({ slug }) => slug === choices[0]) ?? runs[0];
    draw(position, run);
    const where = `Step ${run.rows[position][0]} of ${run.rows.length - 1}`;
    find(".nn-where").textContent = where + (run.label && `, ${choice.toLowerCase()} ${run.label}`);
    const values = run.heads.map((head, i) => [head, run.rows[position][i]]).slice(1);
    find(".nn-values").replaceChildren(...values.flatMap(([head, value]) => {
      const pair = document.createElement("span"), number = document.createElement("b");
      number.textContent = value;
      pair.append(`${head}: `, number);
      return [pair, " "];
    }));
    const place = ways.find(({ group }) => group.dataset.way === run.slug).places[position];
    const gone = place === undefined || isOutside(place) ? "The ball is outside of the picture. " : "";
    const all = runs.map(({ label, rows }) => `${label}: ${rows[position][2]}`).join("; ");
    find(".nn-others").textContent = gone + (runs.length < 2 ? "" : `Loss of all runs at this step: ${all}`);
    const said = `${where}. ${values.map(([head, value]) => `${head}: ${value}`).join("; ")}. ${gone}`.trim();
    slider.setAttribute("aria-valuetext", said);
    return timer ? "" : said; // a run that plays is not read out frame by frame
  });

  const last = Number(slider.max);

  function stop() {
    if (!timer) return;
    clearInterval(timer);
    timer = 0;
    play.textContent = "Play";
    find(".nn-said").textContent = slider.getAttribute("aria-valuetext");
  }

  function start() {
    timer = setInterval(() => {
      if (!root.isConnected) clearInterval(timer);
      else next.click();
      if (Number(slider.value) === last) stop();
    }, 500);
    play.textContent = "Pause";
    if (Number(slider.value) === last) {
      slider.value = 1;
      slider.dispatchEvent(new Event("input"));
    }
  }

  const toggle = () => { if (timer) stop(); else start(); };
  play.addEventListener("click", toggle);
  // on a button, the space bar presses it
  slider.addEventListener("keydown", (event) => {
    if (event.key !== " ") return;
    event.preventDefault();
    toggle();
  });
  // whoever takes the controls stops the play
  [...root.querySelectorAll(".nn-move button")].forEach((button) => {
    button.addEventListener("click", (event) => { if (event.isTrusted) stop(); });
  });
  slider.addEventListener("input", (event) => { if (event.isTrusted) stop(); });
  root.addEventListener("keydown", (event) => {
    if (["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) stop();
  });
  root.querySelectorAll("details").forEach((details) => { details.open = true; });
});

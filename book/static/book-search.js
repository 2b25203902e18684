// How the search of the book ranks (BM25, over sections) and shows what it finds: the best section
// of each page. The index is written by book/extensions/search_pages.py.
(() => {
  const PLAIN = new Set(("a an and any are between can do does for get how i in is it make me my mean of on one or "
    + "should the then there this to use used using what when where which who why with work you your").split(" "));
  const SHOWN = 30;

  const stems = (query) => {
    const stemmer = new Stemmer();
    const words = splitQuery(query.replace(/([a-z])(?=[A-Z])/g, "$1 ").toLowerCase());
    const telling = words.filter((word) => !PLAIN.has(word));
    return [...new Set((telling.length ? telling : words).map((word) => stemmer.stemWord(word)))];
  };

  const rank = (query) => {
    const { pages, sections, words } = Search._index;
    const asked = stems(query);
    const mean = sections.reduce((sum, section) => sum + section[3], 0) / sections.length;
    const rare = (stem) => Math.log(1 + sections.length / (1 + places(stem).length / 2));
    const places = (stem) => Object.hasOwn(words, stem) ? words[stem] : [];
    const scores = new Map();
    for (const stem of asked) {
      const found = places(stem);
      for (let i = 0; i < found.length; i += 2) {
        const count = found[i + 1], length = sections[found[i]][3];
        const score = (rare(stem) * count * 2.2) / (count + 1.2 * (0.5 + (0.5 * length) / mean));
        scores.set(found[i], (scores.get(found[i]) || 0) + score);
      }
    }
    // A title that says just what is asked for, as an entry of the glossary, is the answer; the
    // pages of the library state what it explains.
    const library = (section) => pages[sections[section][0]][0].startsWith("book/api/");
    const whole = [...asked].sort().join(" ");
    for (const [section, score] of scores)
      if (!library(section) && stems(sections[section][2]).sort().join(" ") === whole) scores.set(section, 2 * score);
    // A page is worth its best section, a little of its others, and what its title says.
    const best = new Map();
    for (const [section, score] of [...scores].sort((a, b) => b[1] - a[1])) {
      const page = sections[section][0];
      const known = best.get(page);
      if (known) known.score += known.others++ < 4 ? 0.1 * score : 0;
      else {
        const title = new Set(stems(pages[page][1]));
        const told = asked.filter((stem) => title.has(stem)).reduce((sum, stem) => sum + rare(stem), 0);
        best.set(page, { section, score: score + told, others: 0 });
      }
    }
    // A chapter explains what the reference states.
    for (const [page, known] of best) if (pages[page][0].startsWith("notebooks/")) known.score *= 1.4;
    return [...best.values()].sort((a, b) => b.score - a.score).slice(0, SHOWN).map(({ section }) => {
      const [page, anchor, title] = sections[section];
      return { address: `${pages[page][0]}.html#${anchor}`, page: pages[page][1], title };
    });
  };

  Search.query = (query) => {
    const results = rank(query);
    for (const { address, page, title } of results) {
      const item = document.createElement("li");
      const link = item.appendChild(document.createElement("a"));
      link.href = address;
      link.textContent = title === page ? page : `${page} › ${title}`;
      Search.output.append(item);
    }
    _finishSearch(results.length);
  };
})();

// A text with marks on what was found in it, and how sure the model is of each.
const SHAPE = [[/^[^\p{L}\p{N}]*$/u, "mark"], [/^[^\p{L}]*$/u, "number"], [/\p{Nd}/u, "digits"],
  [/^(?=.*\p{Ll})[^\p{Lu}\p{Lt}]*$/su, "lower"], [/^(?=.*\p{Lu})[^\p{Ll}\p{Lt}]{2,}$/su, "upper"], [/^\p{Lu}[^\p{Lu}]*$/su, "title"]];

class Tags {
  constructor(page) {
    this.page = page;
    this.text = new Text({ ...page, lowercase: false });
    const numbered = (tokens) => new Map(tokens.map((token, n) => [token, n]));
    this.letters = numbered(page.characters);
    this.pairs = numbered(page.pairs);
  }

  shape(token) {
    const found = SHAPE.find(([pattern]) => pattern.test(token));
    return this.page.shapes.indexOf(found ? found[1] : token === token.toLowerCase() ? "other" : "mixed");
  }

  spelling(token) {
    const most = this.page.letters, letters = Array.from(token), half = most >> 1;
    const kept = letters.length > most ? [...letters.slice(0, half), ...letters.slice(-half)] : letters;
    return kept.map((letter) => this.letters.get(letter) || UNKNOWN);
  }

  // Tags and scores of tokens, in pieces as long as the network reads.
  of(tokens) {
    const found = [], { steps, letters } = this.page;
    for (let begin = 0; begin < tokens.length; begin += steps) {
      const piece = tokens.slice(begin, begin + steps), folded = piece.map((t) => (this.page.lowercase ? t.toLowerCase() : t));
      const spelled = piece.map((token) => this.spelling(token)), spellings = new Float32Array(letters * steps);
      spelled.forEach((column, n) => column.forEach((letter, row) => { spellings[row * steps + n] = letter; }));
      Model.call("run", {
        words: this.text.encode(folded), shapes: piece.map((t) => this.shape(t)), spellings,
        pairs: folded.map((t, n) => this.pairs.get(`${t} ${n + 1 < folded.length ? folded[n + 1] : "\n"}`) || UNKNOWN),
        spelled: Array.from({ length: steps }, (_, n) => (spelled[n] ? spelled[n].length : 1)),
        which: Array.from({ length: steps }, (_, n) => n), count: [piece.length],
      });
      const tags = Array.from(Model.view("run.tags").slice(0, piece.length));
      const sure = certainty(Model.view("run.scores"), tags, this.page.field);
      tags.forEach((tag, n) => found.push({ tag: this.page.labels[tag], first: n === 0, ...sure[n] }));
    }
    return found;
  }

  // Stretches of tokens with a label, read leniently: what goes on after another label begins one.
  static spans(found, plain) {
    const spans = [];
    let open = null;
    found.forEach(({ tag, first, each, step }, at) => {
      const place = plain ? "S" : tag[0], label = plain ? tag : tag.slice(2);
      if (tag === "O") { open = null; return; }
      if (!open || plain || first || "BS".includes(place) || open.label !== label) spans.push((open = { label, begin: at, sure: each }));
      else open.sure *= step;
      open.end = at + 1;
      if ("ES".includes(place)) open = null;
    });
    return spans;
  }
}

// Probability of each tag, and of each where the one before is right: forward-backward.
function certainty(scores, tags, [moves, start, end]) {
  const count = start.length, score = (t, k) => scores[t * count + k], all = [...start.keys()];
  const sum = (values) => { const most = Math.max(...values); return most + Math.log(values.reduce((total, v) => total + Math.exp(v - most), 0)); };
  const before = [all.map((k) => start[k] + score(0, k))], after = [];
  for (let t = 1; t < tags.length; t++) before.push(all.map((k) => score(t, k) + sum(all.map((j) => before[t - 1][j] + moves[j][k]))));
  after[tags.length - 1] = end;
  for (let t = tags.length - 2; t >= 0; t--) after[t] = all.map((k) => sum(all.map((j) => moves[k][j] + score(t + 1, j) + after[t + 1][j])));
  const whole = sum(all.map((k) => before[0][k] + after[0][k])), share = (x) => Math.min(1, Math.exp(x));
  return tags.map((k, t) => {
    const each = share(before[t][k] + after[t][k] - whole);
    return { each, step: t ? share(moves[tags[t - 1]][k] + score(t, k) + after[t][k] - after[t - 1][tags[t - 1]]) : each };
  });
}

function spans(place, page, content) {
  const tags = new Tags(page), field = make("textarea", { spellcheck: false });
  const shown = make("div", { className: "answer tagged" }), list = make("div", { className: "found" });
  const labels = [...new Set(page.labels.map((tag) => (page.plain ? tag : tag.slice(2))).filter((label) => label && label !== "O"))];
  shown.setAttribute("role", "status");
  const percent = (share) => `${(100 * share).toFixed(0)} %`;
  const update = () => {
    const tokens = tags.text.placed(field.value), found = Tags.spans(tags.of(tokens.map(({ token }) => token)), page.plain);
    let at = 0;
    const parts = found.flatMap(({ label, begin, end, sure }) => {
      const [from, to] = [tokens[begin].begin, tokens[end - 1].end], before = field.value.slice(at, from);
      at = to;
      return [before, make("mark", { className: `m${labels.indexOf(label) % 6}`, title: `${label}, ${percent(sure)}` }, field.value.slice(from, to), make("small", { textContent: label }))];
    });
    shown.replaceChildren(...parts, field.value.slice(at));
    list.replaceChildren(...labels.filter((label) => found.some((each) => each.label === label)).map((label) => {
      const named = found.filter((each) => each.label === label).map(({ begin, end, sure }) => `${field.value.slice(tokens[begin].begin, tokens[end - 1].end)} (${percent(sure)})`);
      return make("div", {}, make("b", { textContent: `${label}: ` }), named.join(", "));
    }));
    if (!found.length) list.textContent = "Nothing was found.";
  };
  const examples = content.trials[0].calls.map(({ given }) => {
    const columns = given.spelled.slice(0, given.count[0]).map((length, n) => Array.from({ length }, (_, row) => page.characters[given.spellings[row * page.steps + n]]).join(""));
    const words = given.words.slice(0, given.count[0]).map((n) => page.vocabulary[n]);
    return (given.spellings ? columns : words).join(page.tokens === "characters" ? "" : " ");
  });
  let next = 0;
  const example = make("button", { type: "button", textContent: "Another example" });
  const take = () => { field.value = examples[next++ % examples.length]; update(); };
  example.addEventListener("click", take);
  field.addEventListener("input", update);
  place.append(...labelled("Your text", field), make("div", { className: "row" }, example), shown, make("div", { className: "soft", textContent: "Found, with how sure the model is:" }), list);
  take();
}

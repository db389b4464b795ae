// Texts that a network writes token by token about what it has read, always the most probable one.
class Writer {
  constructor(page) { this.page = page; }

  // Tokens that would repeat a run of so many.
  repeated(tokens) {
    const size = this.page.no_repeat, barred = new Set();
    if (!size || tokens.length + 1 < size) return barred;
    const tail = tokens.slice(tokens.length - size + 1);
    for (let at = 0; at + size <= tokens.length; at++)
      if (tail.every((token, k) => tokens[at + k] === token)) barred.add(tokens[at + size - 1]);
    return barred;
  }

  // given: what `begin` reads; more: what each step takes beside the token.
  write(given, most, more = {}) {
    const { begin, end, least } = this.page, tokens = [];
    let sum = 0, last = begin, ended = false;
    Model.call("begin", given);
    while (!ended && tokens.length < Math.max(most, least, 1)) {
      const logs = Model.call("step", { token: [last], ...more }), barred = this.repeated(tokens);
      let best = -1;
      logs.forEach((x, k) => {
        const may = k === end ? tokens.length >= least : k > end && !barred.has(k);
        if (may && (best < 0 || x > logs[best])) best = k;
      });
      sum += logs[best];
      last = best;
      ended = best === end;
      if (!ended) tokens.push(best);
    }
    return { tokens, sum, ended };
  }

  text(tokens) {
    const { written } = this.page;
    return written ? tokens.map((n) => written[n]).join("").replace(/^ /, "") : tokens.join(" ");
  }

  show(node, { tokens, sum, ended }) {
    const share = Math.exp(sum / Math.max(1, tokens.length + ended)), wide = this.page.beam > 1;
    node.replaceChildren(make("div", { className: "soft", textContent: "Written" }), make("div", { className: "big", textContent: this.text(tokens) || "(nothing)" }),
      make("div", { className: "soft", textContent: `${(100 * share).toFixed(0)} % a token on average${ended ? "" : "; cut, since it found no end"}.${wide ? ` It takes the most probable token each time; predict weighs ${this.page.beam} texts.` : ""}` }));
  }
}

function rewrite(place, page) {
  const text = new Text(page), writer = new Writer(page), field = make("textarea", { spellcheck: false });
  const said = make("div", { className: "answer" }), note = make("p", { className: "soft" });
  said.setAttribute("role", "status");
  const update = () => {
    const all = text.encode(text.cut(field.value)), tokens = all.slice(0, page.steps), known = all.filter((n) => n !== UNKNOWN).length;
    note.textContent = `${known} of ${all.length} tokens are known to the model.${all.length > page.steps ? ` The first ${page.steps} are read.` : ""}`;
    if (!tokens.length) { said.textContent = ""; return; }
    const most = Math.floor(page.most[0] * tokens.length) + page.most[1];
    writer.show(said, writer.write({ tokens, count: [tokens.length] }, most, page.copies ? { source: tokens } : {}));
  };
  let next = 0;
  const example = make("button", { type: "button", textContent: "Another example" });
  const take = () => { field.value = text.example([page.examples[next++ % page.examples.length]]); update(); };
  example.addEventListener("click", take);
  field.addEventListener("input", update);
  place.append(...labelled("Your text", field), note, make("div", { className: "row" }, example), said);
  take();
}

function caption(place, page) {
  const writer = new Writer(page), said = make("div", { className: "answer" }), names = Object.keys(page.shapes), fields = {};
  const note = make("p", { className: "soft" }), size = (name) => page.shapes[name].reduce((a, b) => a * b, 1);
  said.setAttribute("role", "status");
  const update = () => {
    const given = {};
    for (const name of names) {
      const numbers = fields[name].value.split(/[\s,;[\]]+/).filter(Boolean).map(Number);
      if (numbers.length !== size(name) || !numbers.every(Number.isFinite)) {
        note.textContent = `${name}: ${size(name)} numbers are expected (${page.shapes[name].join(" × ")}), there are ${numbers.length}`;
        note.classList.add("wrong");
        return;
      }
      given[name] = numbers;
    }
    note.textContent = "";
    note.classList.remove("wrong");
    writer.show(said, writer.write(given, page.most));
  };
  let next = 0;
  const example = make("button", { type: "button", textContent: "Another image" });
  const take = () => {
    const features = page.examples[next++ % page.examples.length];
    for (const name of names) fields[name].value = features[name].map(short).join(", ");
    update();
  };
  example.addEventListener("click", take);
  place.append(said, make("div", { className: "row" }, example));
  for (const name of names) {
    fields[name] = make("textarea", { className: "numbers wrapped", spellcheck: false });
    fields[name].addEventListener("input", update);
    place.append(...labelled(`${name} of an image (${page.shapes[name].join(" × ")} numbers)`, fields[name]));
  }
  place.append(note);
  take();
}

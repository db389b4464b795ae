// What people do with a model: give it numbers or a text, and see its answer move.
const make = (tag, attributes = {}, ...inner) => {
  const node = Object.assign(document.createElement(tag), attributes);
  node.append(...inner);
  return node;
};
const short = (x) => (Number.isFinite(x) ? String(Number(x.toPrecision(5))) : "no number");
const labelled = (text, node) => { const id = (node.id = `f${labelled.count++}`); return [make("label", { textContent: text, htmlFor: id }), node]; };
labelled.count = 0;

// The answer of a whole sequence: labels with bars, or values.
class Answer {
  constructor(page) {
    this.page = page;
    this.node = make("div", { className: "answer" });
    this.node.setAttribute("role", "status");
  }

  show(values) {
    const { labels, kind, several } = this.page;
    if (kind === "values") {
      const named = labels.map((label, k) => (labels.length > 1 ? `${label} ${short(values[k])}` : short(values[k])));
      this.node.replaceChildren(make("div", { textContent: "Predicted", className: "soft" }), make("div", { className: "big", textContent: named.join(", ") }));
      return;
    }
    const order = labels.map((_, k) => k).sort((a, b) => values[b] - values[a]).slice(0, 12);
    const bars = order.map((k, rank) => {
      const best = several ? values[k] >= 0.5 : rank === 0;
      const bar = make("i");
      bar.style.width = `${(100 * values[k]).toFixed(1)}%`;
      return make("div", { className: `bar ${best ? "best" : "rest"}` }, make("b", { textContent: labels[k], title: labels[k] }), make("div", {}, bar), make("span", { textContent: `${(100 * values[k]).toFixed(1)} %` }));
    });
    this.node.replaceChildren(...bars);
  }
}

function rowsOf(text, width) {
  const rows = text.split("\n").map((line) => line.trim()).filter(Boolean)
    .map((line) => line.split(/[\s,;]+/).filter(Boolean).map(Number));
  const wrong = rows.findIndex((row) => row.length !== width || !row.every(Number.isFinite));
  if (wrong >= 0) throw new Error(`line ${wrong + 1}: ${width} number${width > 1 ? "s" : ""} are expected`);
  if (!rows.length) throw new Error("give a line of numbers at least");
  return rows;
}

// Numbers over time, drawn or pasted; `asked` shows the answer to rows, which came from the example
// with this number. Returns what asks again.
function rowsWidget(place, page, examples, asked) {
  const width = page.columns.length, note = make("p", { className: "soft" });
  let next = 0;
  const field = make("textarea", { className: "numbers", spellcheck: false });
  const write = (rows) => { field.value = rows.map((row) => row.map(short).join(", ")).join("\n"); };
  const chart = new Chart(place, page.columns, (rows) => { write(rows); update(rows); });
  const update = (rows) => {
    note.textContent = rows.length > page.steps ? `The last ${page.steps} of ${rows.length} steps are read.` : page.hint;
    chart.show(rows, asked(rows.slice(-page.steps), (next - 1) % examples.length));
  };
  field.addEventListener("input", () => {
    try { update(rowsOf(field.value, width)); note.classList.remove("wrong"); }
    catch (error) { note.textContent = error.message; note.classList.add("wrong"); }
  });
  const example = make("button", { type: "button", textContent: "Another example" });
  const take = () => { const rows = examples[next++ % examples.length].map((row) => [...row]); write(rows); update(rows); };
  example.addEventListener("click", take);
  const tools = make("div", { className: "row" }, example);
  if (width > 1) {
    const choice = make("select", {}, ...page.columns.map((name, k) => make("option", { value: k, textContent: name })));
    choice.addEventListener("change", () => { chart.column = Number(choice.value); });
    tools.append(...labelled("draw", choice), ...page.columns.slice(0, 4).map((name, k) => make("span", { className: `soft key k${k}`, textContent: name })));
  }
  const unit = width > 1 ? `One step a line: ${page.columns.join(", ")}` : "One number a line";
  place.append(note, tools, ...labelled(unit, field));
  chart.node.addEventListener("focus", () => update(chart.rows));
  chart.node.addEventListener("blur", () => update(chart.rows));
  take();
  return () => update(chart.rows);
}

function sequenceOfRows(place, page, content) {
  const answer = new Answer(page);
  place.append(answer.node);
  const width = page.columns.length;
  const examples = content.trials[0].calls.slice(0, 8).map(({ given }) => {
    const count = given.count[0];
    return Array.from({ length: count }, (_, t) => given.x.slice(t * width, (t + 1) * width));
  });
  page.hint = "Draw in the chart, or change the numbers below.";
  rowsWidget(place, page, examples, (rows) => {
    answer.show(Model.call("run", { x: rows.flat(), count: [rows.length] }));
    return null;
  });
}

function sequenceOfText(place, page, content) {
  const text = new Text(page), answer = new Answer(page);
  const field = make("textarea", { spellcheck: false });
  const note = make("p", { className: "soft" });
  const update = () => {
    const tokens = text.cut(field.value), known = text.encode(tokens).filter((n) => n !== UNKNOWN).length;
    const numbers = text.sequence(field.value);
    const more = page.blocks ? text.grams(field.value) : {};
    answer.show(Model.call("run", { tokens: numbers, count: [Math.max(1, numbers.length)], ...more }));
    const left = more.left ? ` The last ${more.left} n-grams are not read.` : "";
    note.textContent = `${known} of ${tokens.length} tokens are known to the model.${left}`;
  };
  field.addEventListener("input", update);
  field.value = text.example(content.trials[0].calls.map(({ given }) => given.tokens.slice(0, given.count[0])));
  place.append(...labelled("Your text", field), note, answer.node);
  update();
}

// A language model: the text before, the most probable next tokens, and writing on.
function language(place, page, content) {
  const text = new Text(page), field = make("textarea", { spellcheck: false });
  const next = make("div", { className: "next" }), begin = [page.begin];
  let read = [], kept = null, logs = null, writing = 0;
  const step = (number) => { logs = Model.call("step", { token: [number] }).slice(); logs[UNKNOWN - 1] = -Infinity; };
  const readOn = () => {
    const wanted = [...begin, ...text.lines(field.value)];
    const same = wanted.length >= read.length && read.every((n, i) => n === wanted[i]);
    if (!same || !kept) { Model.reset(); read = []; } else Model.restore(kept);
    for (const number of wanted.slice(read.length)) step(number);
    read = wanted;
    kept = Model.state();
  };
  const best = () => Array.from(logs.keys()).sort((a, b) => logs[b] - logs[a]).slice(0, 8);
  const bytes = new TextDecoder();
  const add = (number) => {
    const token = page.vocabulary[number];
    field.value += page.tokens === "bytes" ? bytes.decode(Uint8Array.of(parseInt(token, 16)), { stream: true }) : text.piece(number, field.value);
    field.scrollTop = field.scrollHeight;
  };
  const show = () => {
    readOn();
    next.replaceChildren(...best().map((k) => {
      const said = page.vocabulary[k + 1].replace("\n", "⏎").replace(" ", "␣");
      const button = make("button", { type: "button" }, said, make("small", { textContent: `${(100 * Math.exp(logs[k])).toFixed(0)} %` }));
      button.addEventListener("click", () => { add(k + 1); show(); });
      return button;
    }));
  };
  const heat = make("input", { type: "range", min: 0, max: 1.5, step: 0.1, value: 0.8 });
  const draw = () => {
    const t = Number(heat.value), top = best()[0];
    if (!t) return top;
    const shares = Array.from(logs, (x) => Math.exp((x - logs[top]) / t));
    let left = Math.random() * shares.reduce((a, b) => a + b, 0);
    const found = shares.findIndex((share) => (left -= share) < 0);
    return found < 0 ? top : found;
  };
  const write = make("button", { type: "button", className: "first", textContent: "Write on" });
  const stop = () => { writing = 0; write.textContent = "Write on"; };
  const on = () => {
    if (!writing) return;
    add(draw() + 1);
    show();
    writing -= 1;
    writing ? setTimeout(on, 15) : stop();
  };
  write.addEventListener("click", () => {
    if (writing) { stop(); return; }
    writing = page.tokens === "characters" ? 300 : 60;
    write.textContent = "Stop";
    on();
  });
  field.addEventListener("input", () => { stop(); show(); });
  const clear = make("button", { type: "button", textContent: "Clear" });
  clear.addEventListener("click", () => { stop(); field.value = ""; show(); field.focus(); });
  const first = content.trials[0].calls.slice(1, 13).map(({ given }) => given.token[0]).filter((n) => n !== UNKNOWN);
  field.value = page.tokens === "bytes" ? text.join(first) : first.reduce((said, n) => said + text.piece(n, said), "");
  place.append(...labelled("Text", field), make("div", { className: "row" }, write, clear, ...labelled("surprise", heat)),
    make("div", { className: "soft", textContent: "Most probable next tokens (choose one to add it):" }), next);
  show();
}

function forecast(place, page, content) {
  const said = make("div", { className: "answer" }), several = page.series.length > 1;
  said.setAttribute("role", "status");
  place.append(said);
  page.hint = `Draw the past in the chart, or change the numbers below; ${page.context} steps are read.`;
  if (page.kept.length) page.hint += ` As in the example, and unchanged: ${page.kept.join(", ")}.`;
  const calls = content.trials[0].calls.slice(0, 8).map(({ given }) => given);
  const choice = make("select", {}, ...page.series.map((name, k) => make("option", { value: k, textContent: name })));
  let last = -1;
  const again = rowsWidget(place, page, calls.map(({ x }) => x.map((value) => [value])), (rows, number) => {
    if (number !== last) { choice.value = calls[number].series[0]; last = number; }
    if (rows.length < page.context) {
      said.textContent = `${page.context - rows.length} more steps are needed`;
      return null;
    }
    const given = { ...calls[number], x: rows.flat(), series: [Number(choice.value)] };
    const found = Array.from(Model.call("run", given)), count = page.quantiles.length || 1;
    const of = (q) => Array.from({ length: page.horizon }, (_, h) => found[h * count + q]);
    const middle = of(page.middle);
    said.replaceChildren(make("div", { className: "soft", textContent: several ? `Next steps of ${page.series[choice.value]}` : "Next steps" }), make("div", { className: "big", textContent: middle.slice(0, 4).map(short).join(", ") + (page.horizon > 4 ? ", …" : "") }));
    return { low: of(0), middle, high: of(count - 1) };
  });
  choice.addEventListener("change", again);
  if (several) said.after(make("div", { className: "row" }, ...labelled("series", choice)));
}

async function main(content) {
  const page = content.page, place = document.getElementById("widget"), told = document.getElementById("proof");
  try {
    await Model.load(content);
    const { worst, calls } = Model.replay(), fits = worst <= content.allowed;
    const micro = Model.measure(content.trials.find((each) => each.calls.length).name);
    told.textContent = `${calls} recorded answers replayed in this browser: largest difference ${worst.toExponential(1)}. One answer takes ${micro < 1000 ? `${micro.toFixed(1)} µs` : `${(micro / 1000).toFixed(1)} ms`}.`;
    if (!fits) { told.className = "wrong"; told.textContent += " This is too much: do not use the page in this browser."; }
    const widgets = { language, forecast, spans, watch, rewrite, caption };
    (widgets[page.kind] || (page.reads === "rows" ? sequenceOfRows : sequenceOfText))(place, page, content);
    Object.assign(document.body.dataset, { ready: fits ? "yes" : "no", difference: worst, calls, micro });
  } catch (error) {
    told.className = "wrong";
    told.textContent = `The model cannot run in this browser: ${error.message}. It needs WebAssembly with SIMD (browsers since 2023).`;
    document.body.dataset.ready = "no";
    console.error(error);
  }
}

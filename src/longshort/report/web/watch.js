// Values that arrive one by one: what was expected of them, how strange they are, and alarms.
class Watch {
  constructor(place, page, add) {
    this.page = page;
    this.names = page.columns.slice(0, page.watched);
    this.node = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    this.node.setAttribute("role", "img");
    this.node.addEventListener("click", (event) => {
      const box = this.node.getBoundingClientRect(), at = ((event.clientY - box.top) / box.height) * Watch.height;
      if (this.value && at < Watch.split) add(this.value(at));
    });
    place.append(this.node);
  }

  // seen: {row, expected, score, alarm, judged} of each step, of which the last ones are drawn.
  show(seen, column) {
    const last = seen.slice(-Watch.shown), first = seen.length - last.length;
    const x = (t) => 52 + (t * (Watch.width - 64)) / (Watch.shown - 1);
    const scale = (values, top, bottom) => {
      const known = values.filter(Number.isFinite);
      let low = Math.min(...known), high = Math.max(...known);
      if (!(high > low)) { low -= 1; high += 1; }
      const room = (high - low) * 0.1;
      low -= room; high += room;
      return { y: (v) => top + ((high - v) * (bottom - top)) / (high - low), back: (at) => high - ((at - top) * (high - low)) / (bottom - top), low, high };
    };
    const line = (values, { y }) => {
      let open = false;
      return values.map((v, t) => { const mark = Number.isFinite(v) ? `${open ? "L" : "M"}${x(t).toFixed(1)} ${y(v).toFixed(1)}` : ""; open = mark !== ""; return mark; }).join("");
    };
    const values = last.map(({ row }) => row[column]), expected = last.map(({ expected, judged }) => (judged ? expected[column] : NaN));
    const scores = last.map(({ score, judged }) => (judged ? score : NaN));
    const upper = scale([...values, ...expected], 12, Watch.split - 18), lower = scale([...scores, this.page.threshold, 0], Watch.split + 12, Watch.height - 24);
    this.value = upper.back;
    const ticks = ({ low, high, y }, shares) => shares.map((share) => {
      const v = low + share * (high - low), at = y(v).toFixed(1);
      return `<line class="grid" x1="52" x2="${Watch.width - 12}" y1="${at}" y2="${at}"/><text x="46" y="${+at + 4}" text-anchor="end">${Number(v.toPrecision(3))}</text>`;
    }).join("");
    const at = lower.y(this.page.threshold).toFixed(1);
    const alarms = last.map(({ alarm }, t) => (alarm && Number.isFinite(values[t]) ? `<line class="alarm" x1="${x(t)}" x2="${x(t)}" y1="12" y2="${Watch.height - 24}"/><circle class="alarm" r="4.5" cx="${x(t)}" cy="${upper.y(values[t])}"/>` : "")).join("");
    this.node.setAttribute("viewBox", `0 0 ${Watch.width} ${Watch.height}`);
    this.node.setAttribute("aria-label", `${seen.length} values, ${seen.filter(({ alarm }) => alarm).length} of them unusual`);
    this.node.innerHTML = ticks(upper, [0.08, 0.5, 0.92])
      + `<path class="ahead thin" d="${line(expected, upper)}"/><path class="c0" d="${line(values, upper)}"/>`
      + `<path class="c3" d="${line(scores, lower)}"/><line class="limit" x1="52" x2="${Watch.width - 12}" y1="${at}" y2="${at}"/><text x="46" y="${+at + 4}" text-anchor="end">${Number(this.page.threshold.toPrecision(3))}</text>` + alarms
      + `<text x="52" y="${Watch.split + 8}">score, with the threshold</text><text x="52" y="${Watch.height - 8}">step ${first + 1}</text><text x="${Watch.width - 12}" y="${Watch.height - 8}" text-anchor="end">${first + Watch.shown}</text>`;
  }
}
Object.assign(Watch, { width: 640, height: 380, split: 250, shown: 120 });

function watch(place, page, content) {
  const width = page.columns.length, seen = [], said = make("div", { className: "answer" });
  said.setAttribute("role", "status");
  const rows = content.trials[0].calls.map(({ given }) => given.x);
  let next = 0, timer = null, column = 0;
  const take = (row) => {
    Model.call("step", { x: row });
    const of = (name) => Model.view(`step.${name}`);
    seen.push({ row, expected: Array.from(of("expected")), score: of("score")[0], alarm: of("alarm")[0] > 0, judged: of("judged")[0] > 0 });
  };
  const tell = () => {
    const { judged, alarm, score } = seen[seen.length - 1];
    const left = page.warm - seen.length;
    const head = left > 0 ? `${left} more values until it knows the series` : !judged ? "No value to judge" : alarm ? "Unusual" : "As usual";
    const count = seen.filter((each) => each.alarm).length;
    said.replaceChildren(make("div", { className: `big${alarm ? " wrong" : ""}`, textContent: head }),
      make("div", { className: "soft", textContent: judged ? `score ${short(score)}, threshold ${short(page.threshold)}; ${count} of ${seen.length} values raised an alarm` : "" }));
  };
  const show = () => { chart.show(seen, column); tell(); };
  const chart = new Watch(place, page, (value) => {
    pause();
    const row = [...seen[seen.length - 1].row];
    row[column] = value;
    take(row);
    show();
  });
  const play = make("button", { type: "button", className: "first", textContent: "Let values arrive" });
  const pause = () => { clearInterval(timer); timer = null; play.textContent = "Let values arrive"; };
  const arrive = () => { if (next >= rows.length) { pause(); return; } take(rows[next++]); show(); };
  play.addEventListener("click", () => {
    if (timer) { pause(); return; }
    if (next >= rows.length) begin(0);
    play.textContent = "Stop";
    timer = setInterval(arrive, 60);
  });
  const begin = (count) => { pause(); Model.reset(); seen.length = 0; next = 0; while (next < Math.max(1, count)) take(rows[next++]); show(); };
  const again = make("button", { type: "button", textContent: "From the beginning" });
  again.addEventListener("click", () => begin(0));
  const field = make("textarea", { className: "numbers", spellcheck: false }), add = make("button", { type: "button", textContent: "Add these" });
  const note = make("p", { className: "soft" });
  add.addEventListener("click", () => {
    try { rowsOf(field.value, width).forEach(take); pause(); show(); field.value = ""; note.textContent = ""; note.classList.remove("wrong"); }
    catch (error) { note.textContent = error.message; note.classList.add("wrong"); }
  });
  const tools = make("div", { className: "row" }, play, again);
  if (page.watched > 1) {
    const choice = make("select", {}, ...chart.names.map((name, k) => make("option", { value: k, textContent: name })));
    choice.addEventListener("change", () => { column = Number(choice.value); show(); });
    tools.append(...labelled("show", choice));
  }
  tools.append(make("span", { className: "soft key k0", textContent: "value" }), make("span", { className: "soft key k1", textContent: "expected" }), make("span", { className: "soft key alarmed", textContent: "unusual" }));
  const unit = width > 1 ? `Your own values, one step a line: ${page.columns.join(", ")}` : "Your own values, one a line";
  place.append(said, tools, ...labelled(unit, field), make("div", { className: "row" }, add), note);
  begin(rows.length);
}

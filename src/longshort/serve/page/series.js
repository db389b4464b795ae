// Series: values are drawn, pasted or played, and the model's answer moves with them.

import { bars, card, make, short } from "./elements.js";
import { Chart } from "./chart.js";
import { Session } from "./server.js";

const FRAME = 60; // milliseconds between two played steps

export function seriesPage(main, about) {
  const schema = about.session;
  const numbers = schema.columns.filter((column) => column.type === "number" && column.role !== "time");
  const groups = schema.columns.filter((column) => column.role === "group" || (column.type === "text" && !column.optional));
  const drawn = numbers.find((column) => column.role === "target") ?? numbers[0];
  const steady = numbers.filter((column) => column !== drawn);
  const range = (column) => column.usual ?? [-1, 1];
  const canvas = make("canvas", { tabindex: 0, role: "img", "aria-label": "Chart. Arrow up and down choose the next value, arrow right adds it." });
  const problem = make("p", { class: "problem", role: "alert" });
  const answerPlace = make("div", { "aria-live": "polite" });
  const chart = new Chart(canvas);
  let timer = 0;

  const session = new Session(taken, (text) => { problem.textContent = text; });
  const paste = make("textarea", { rows: 3, placeholder: "12.1, 12.4, 13.0 …", "aria-label": `Values of ${drawn.name}, separated by commas or lines` });
  const play = make("button", { class: "main", text: "Play a wave", onclick: toggle });
  const others = steady.map((column) => {
    const [low, high] = range(column);
    return make("label", { text: column.name }, make("input", { type: "number", step: "any", value: short((low + high) / 2), "data-name": column.name }));
  });
  const names = groups.map((column) => {
    const known = column.values ?? [];
    const field = known.length
      ? make("select", { "data-name": column.name }, ...known.map((value) => make("option", { text: value })))
      : make("input", { "data-name": column.name });
    field.addEventListener("change", restart);
    return make("label", { text: column.name }, field);
  });

  const legend = make("ul", { class: "legend" }, legendOf("own", drawn.name), legendOf("model", isForecast() ? "forecast" : "expected"));
  if ("alarm" in schema.answer) legend.append(legendOf("alarm", "alarm"));
  const hasCurve = isForecast() || Object.keys(schema.answer).some((name) => name.startsWith("expected_"));
  main.className = "two";
  main.append(
    card(`Draw ${drawn.name}`,
      make("p", { class: "hint", text: `Draw with the mouse or a finger from left to right, or use the arrow keys. ${isForecast() ? "The dashed line is what the model expects next." : "The model answers at every step."}` }),
      canvas,
      ...(hasCurve ? [legend] : []),
      make("div", { class: "row" }, play, make("button", { text: "Start anew", onclick: restart }), ...names, ...others),
      problem),
    card("The model's answer", answerPlace, pasted()));
  scale();
  waiting();
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) toggle();

  function isForecast() { return "forecast" in schema.answer; }

  function legendOf(kind, text) {
    return make("li", { class: kind }, make("i"), text);
  }

  function pasted() {
    const button = make("button", { text: "Add these values", onclick: () => {
      const values = paste.value.split(/[\s,;]+/).filter(Boolean).map(Number);
      if (!values.length || values.some((value) => !Number.isFinite(value))) {
        problem.textContent = "numbers, separated by commas or lines, are expected";
        return;
      }
      stop();
      values.forEach(add);
    } });
    return make("details", {}, make("summary", { text: "Paste values" }), paste, make("div", { class: "row" }, button));
  }

  function scale() {
    const [low, high] = range(drawn);
    const room = 0.25 * (high - low || 1);
    chart.low = low - room;
    chart.high = high + room;
    chart.draw();
  }

  function waiting(text = "It answers when the first values are there.") {
    answerPlace.replaceChildren(make("p", { class: "hint", text }));
  }

  function restart() {
    stop();
    session.restart();
    problem.textContent = "";
    chart.clear();
    scale();
    waiting();
  }

  function add(value) {
    const x = { [drawn.name]: value };
    for (const label of others) x[label.lastChild.dataset.name] = Number(label.lastChild.value);
    for (const label of names) x[label.lastChild.dataset.name] = label.lastChild.value;
    problem.textContent = "";
    session.step(x);
  }

  function taken(x, answer) {
    numbersOf(x).forEach((value, index) => (chart.lines[index] ??= []).push(value));
    chart.widen([x[drawn.name]]);
    if (isForecast()) showForecast(answer);
    else showValues(answer);
    chart.draw();
  }

  function numbersOf(x) {
    return hasCurve ? [x[drawn.name]] : [drawn, ...steady].map((column) => x[column.name]);
  }

  function showForecast(answer) {
    const rows = answer.forecast;
    chart.ahead = [];
    chart.bands = [];
    if (!rows.length) return waiting(answer.waiting ?? undefined);
    const quantiles = Object.keys(rows[0]).filter((name) => /^q0?\.\d+$/.test(name)).sort();
    chart.ahead = rows.map((row) => row.yhat);
    for (let i = 0; i < quantiles.length >> 1; i++) {
      const [low, high] = [quantiles[i], quantiles.at(-1 - i)];
      chart.bands.push({ low: rows.map((row) => row[low]), high: rows.map((row) => row[high]) });
      chart.widen([...chart.bands.at(-1).low, ...chart.bands.at(-1).high]);
    }
    chart.widen(chart.ahead);
    const time = Object.keys(rows[0])[0];
    const list = make("dl", { class: "values" });
    for (const row of rows.slice(0, 8)) list.append(make("dt", { text: row[time] }), make("dd", { text: short(row.yhat) }));
    answerPlace.replaceChildren(list, ...(rows.length > 8 ? [make("p", { class: "hint", text: `and ${rows.length - 8} more steps` })] : []));
  }

  function showValues(answer) {
    const expected = answer[`expected_${drawn.name}`];
    if (`expected_${drawn.name}` in answer) {
      chart.expected.push(expected);
      chart.widen([expected]);
    }
    if (answer.alarm) chart.alarms.add(chart.steps - 1);
    const shares = Object.entries(answer).filter(([name, value]) => name.startsWith("p_") && typeof value === "number");
    if (shares.length) {
      const items = shares.map(([name, share]) => ({ what: name.slice(2), share })).sort((a, b) => b.share - a.share);
      answerPlace.replaceChildren(make("ul", { class: "bars" }, ...bars(items.slice(0, 10))));
      return;
    }
    const list = make("dl", { class: "values" });
    for (const [name, value] of Object.entries(answer)) list.append(make("dt", { text: name.replaceAll("_", " ") }), make("dd", { text: short(value) }));
    answerPlace.replaceChildren(list);
  }

  // Playing

  function wave() {
    const [low, high] = range(drawn);
    const step = chart.steps + session.left;
    const noise = (Math.random() - 0.5) * 0.25;
    const jump = "alarm" in schema.answer && step % 70 > 64 ? 1.2 : 0;
    return (low + high) / 2 + ((high - low) / 2) * (0.75 * Math.sin((2 * Math.PI * step) / 24) + noise + jump);
  }

  function toggle() {
    if (timer) return stop();
    play.textContent = "Pause";
    timer = setInterval(() => { if (session.left < 3) add(wave()); }, FRAME);
  }

  function stop() {
    clearInterval(timer);
    timer = 0;
    play.textContent = "Play a wave";
  }

  // Drawing: a value for every few pixels that the pointer goes to the right

  let last = null;
  canvas.addEventListener("pointerdown", (event) => {
    stop();
    canvas.setPointerCapture(event.pointerId);
    last = { x: event.offsetX, value: chart.valueAt(event.offsetY / canvas.clientHeight) };
    add(last.value);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (last === null) return;
    const value = chart.valueAt(event.offsetY / canvas.clientHeight);
    const pace = canvas.clientWidth / chart.shown;
    const count = Math.floor((event.offsetX - last.x) / pace);
    for (let step = 1; step <= count; step++) add(last.value + ((value - last.value) * step) / count);
    if (count > 0) last = { x: last.x + count * pace, value };
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { last = null; });
  canvas.addEventListener("keydown", (event) => {
    const before = chart.cursor ?? chart.lines[0]?.at(-1) ?? (chart.low + chart.high) / 2;
    const pace = (chart.high - chart.low) / 40;
    if (event.key === "ArrowUp") chart.cursor = before + pace;
    else if (event.key === "ArrowDown") chart.cursor = before - pace;
    else if (event.key === "ArrowRight" || event.key === "Enter") {
      stop();
      add(before);
    } else return;
    event.preventDefault();
    chart.widen([chart.cursor]);
    chart.draw();
  });
  canvas.addEventListener("blur", () => { chart.cursor = null; chart.draw(); });
}

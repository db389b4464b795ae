// Texts: labels as one types, tagged sentences, texts for texts, and texts that are written on.

import { bars, card, make, settled } from "./elements.js";
import { ask, askJson } from "./server.js";

export function answerPage(main, about) {
  const field = make("textarea", { "aria-label": "Text", placeholder: "Type or paste a text …", autofocus: true });
  const place = make("div", { "aria-live": "polite" }, make("p", { class: "hint", text: "It answers as you type." }));
  const problem = make("p", { class: "problem", role: "alert" });
  const answer = settled(150, async (signal) => {
    const lines = field.value.split("\n").map((line) => line.trim()).filter(Boolean);
    if (!lines.length) return place.replaceChildren(make("p", { class: "hint", text: "It answers as you type." }));
    const found = await askJson("v1/predict", { texts: [lines.join(" ")] }, signal);
    place.replaceChildren(...shown(found));
  }, (text) => { problem.textContent = text; });
  field.addEventListener("input", answer);
  main.className = "two";
  main.append(card("Your text", field, problem), card("The model's answer", place));
}

function shown(found) {
  if (found.sentences) return found.sentences.map(sentence);
  const row = found.predictions?.[0] ?? {};
  const shares = Object.entries(row).filter(([name, value]) => name.startsWith("p_") && typeof value === "number");
  if (shares.length) {
    const items = shares.map(([name, share]) => ({ what: name.slice(2), share })).sort((a, b) => b.share - a.share);
    return [make("ul", { class: "bars" }, ...bars(items.slice(0, 12)))];
  }
  const answers = Object.entries(row).filter(([name]) => name.startsWith("predicted"));
  return answers.map(([, value]) => make("p", { class: "written", text: typeof value === "number" ? String(+value.toPrecision(5)) : value }));
}

function sentence({ tokens, tags, probabilities }) {
  const place = make("p", { class: "sentence" });
  let entity = null;
  tokens.forEach((token, number) => {
    const [mark, kind] = split(tags[number]);
    if (!kind) {
      entity = null;
      place.append(`${token} `);
      return;
    }
    if (entity?.kind === kind && mark !== "B" && mark !== "S") {
      entity.text.textContent += ` ${token}`;
      return;
    }
    const text = make("span", { text: token });
    const element = make("span", { class: "entity", title: `${kind}, probability ${probabilities[number].toFixed(2)}` }, text, make("small", { text: kind }));
    element.style.setProperty("--hue", hue(kind));
    place.append(element, " ");
    entity = { kind, text };
  });
  return place;
}

function split(tag) {
  if (tag === "O") return ["", ""];
  const found = /^([BIESLUM])-(.+)$/.exec(tag);
  return found ? [found[1], found[2]] : ["B", tag];
}

function hue(text) {
  let found = 7;
  for (const letter of text) found = (found * 31 + letter.codePointAt(0)) % 360;
  return found;
}

export function writingPage(main, about) {
  const prompt = make("textarea", { "aria-label": "Beginning", placeholder: "Begin a text …", autofocus: true });
  prompt.value = "The ";
  const written = make("p", { class: "written", "aria-live": "polite" });
  const next = make("ul", { class: "bars" });
  const problem = make("p", { class: "problem", role: "alert" });
  const heat = make("input", { type: "range", min: 0, max: 1.5, step: 0.05, value: 0.7 });
  const length = make("input", { type: "number", min: 1, max: 2000, value: 300 });
  const go = make("button", { class: "main", text: "Write on", onclick: () => (running ? running.abort() : write()) });
  let running = null;

  const likely = settled(150, async (signal) => {
    const found = await askJson("v1/completions", { prompt: prompt.value, max_tokens: 1, temperature: 0, logprobs: 5 }, signal);
    const best = Object.entries(found.choices[0].logprobs.top_logprobs[0]);
    const items = best.map(([token, log]) => ({ what: visible(token), share: Math.exp(log) }));
    next.replaceChildren(...bars(items.sort((a, b) => b.share - a.share)));
  }, (text) => { problem.textContent = text; });
  prompt.addEventListener("input", likely);
  prompt.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) write();
  });
  main.className = "two";
  main.append(
    card("Begin", prompt,
      make("div", { class: "row" }, go, make("label", { text: "temperature" }, heat), make("label", { text: "tokens" }, length)),
      problem),
    card("Likely next", next));
  const result = card("It writes", written);
  result.classList.add("wide");
  main.append(result);
  likely();
  write();

  async function write() {
    running = new AbortController();
    go.textContent = "Stop";
    problem.textContent = "";
    const added = make("span", { class: "new" });
    written.replaceChildren(prompt.value, added);
    try {
      const answer = await ask("v1/completions", {
        prompt: prompt.value, max_tokens: Number(length.value), temperature: Number(heat.value), stream: true,
        seed: Math.floor(Math.random() * 2 ** 31),
      }, running.signal);
      for await (const event of events(answer.body)) added.append(event.choices[0].text);
    } catch (error) {
      if (error.name !== "AbortError") problem.textContent = error.message;
    }
    running = null;
    go.textContent = "Write on";
  }
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const parts = rest.split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      if (!part.startsWith("data: ") || part === "data: [DONE]") continue;
      yield JSON.parse(part.slice(6));
    }
  }
}

function visible(token) {
  return token.replaceAll("\n", "⏎").replaceAll(" ", "␣");
}

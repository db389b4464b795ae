// Small helpers for the page's elements. Text is only ever put in as text.

export function make(name, settings = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(settings)) {
    if (key === "text") element.textContent = value;
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

export function card(title, ...children) {
  return make("section", { class: "card", "aria-label": title }, make("h2", { text: title }), ...children);
}

// Waits until nothing changed for a moment; what is under way is given up.
export function settled(milliseconds, work, onProblem) {
  let timer = 0;
  let running = null;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      running?.abort();
      running = new AbortController();
      try {
        await work(running.signal);
        onProblem("");
      } catch (error) {
        if (error.name !== "AbortError") onProblem(error.message);
      }
    }, milliseconds);
  };
}

export function bars(items) {
  return items.map(({ what, share, how }) =>
    make("li", {},
      make("span", { class: "what", text: what }),
      make("span", { class: "how", text: how ?? percent(share) }),
      make("progress", { max: 1, value: share, "aria-label": what })));
}

export function percent(share) {
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}

export function short(value) {
  if (typeof value !== "number") return value ?? "–";
  return Math.abs(value) >= 1e5 || (value && Math.abs(value) < 1e-3)
    ? value.toExponential(2) : String(+value.toPrecision(4));
}

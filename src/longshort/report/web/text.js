// Texts as the run reads them: tokens, their numbers, and n-grams.
const WORD = /<unk>|[\p{L}\p{N}_]+(?:['’][\p{L}\p{N}_]+)*|[^\p{L}\p{N}_\s]/gu;
const SPACED = new RegExp(` ?(?:${WORD.source.replace("<unk>|", "")})`, "gu");
const UNKNOWN = 1;

class Text {
  constructor(page) {
    this.page = page;
    this.numbers = new Map(page.vocabulary.map((token, i) => [token, i]));
    if (page.blocks) {
      let at = 0;
      this.columns = page.blocks.map((block) => new Map(block.map((gram) => [gram, at++])));
    }
  }

  cut(text) {
    if (this.page.lowercase && this.page.tokens !== "bytes") text = text.toLowerCase();
    switch (this.page.tokens) {
      case "characters": return Array.from(text);
      case "bytes": return Array.from(new TextEncoder().encode(text), (b) => b.toString(16).padStart(2, "0"));
      case "spaced": return ` ${text.trim().replace(/\s+/gu, " ")}`.match(SPACED) || [];
      case "spaces": return text.split(/\s+/u).filter(Boolean);
      default: return text.match(WORD) || [];
    }
  }

  // Tokens with their places in the text, without white space.
  placed(text) {
    if (this.page.tokens === "bytes") throw new Error("bytes have no places in a text");
    const pattern = { characters: /\S/gu, spaces: /\S+/gu }[this.page.tokens] || WORD;
    return Array.from(text.matchAll(pattern), ({ 0: token, index }) => ({ token, begin: index, end: index + token.length }));
  }

  encode(tokens) {
    const of = (token) => (this.numbers.get(token) > UNKNOWN ? this.numbers.get(token) : UNKNOWN);
    return tokens.map(of);
  }

  // Too long texts lose their middle, as in training.
  sequence(text) {
    const numbers = this.encode(this.cut(text)), most = this.page.steps;
    if (numbers.length <= most) return numbers;
    const tail = Math.floor(most / 2);
    return [...numbers.slice(0, most - tail), ...(tail ? numbers.slice(-tail) : [])];
  }

  // (1 + log count) · idf of the n-grams that are known; each block of them has length 1.
  grams(text) {
    const found = { grams: [], weights: [] };
    this.page.units.forEach(([unit, most], block) => {
      const counts = new Map();
      for (const gram of Text.pieces(unit, text.toLowerCase(), most)) {
        const column = this.columns[block].get(gram);
        if (column !== undefined) counts.set(column, (counts.get(column) || 0) + 1);
      }
      const first = this.columns[block].values().next().value || 0;
      const weights = [...counts].map(([column, n]) => (1 + Math.log(n)) * this.page.idf[block][column - first]);
      const length = Math.hypot(...weights) * Math.sqrt(this.page.units.length);
      found.grams.push(...counts.keys());
      found.weights.push(...weights.map((w) => w / length));
    });
    const most = this.page.most_grams;
    const left = Math.max(0, found.grams.length - most);
    return { grams: found.grams.slice(0, most), weights: found.weights.slice(0, most), left };
  }

  static *pieces(unit, text, most) {
    const words = text.match(WORD) || [];
    if (unit === "words") yield* Text.runs(words, most, " ");
    else if (unit === "letters") for (const word of words) yield* Text.runs(Array.from(` ${word} `), most, "");
    else yield* Text.runs(Array.from(text), most, "");
  }

  static *runs(parts, most, between) {
    for (let size = 1; size <= most; size++)
      for (let begin = 0; begin + size <= parts.length; begin++)
        yield parts.slice(begin, begin + size).join(between);
  }

  // Tokens before a language model's next one: lines end with a token of their own.
  lines(text) {
    if (!this.page.eos) return this.encode(this.cut(text));
    const end = this.numbers.get("<eos>");
    return text.split("\n").flatMap((line, i) => [...(i ? [end] : []), ...this.encode(this.cut(line))]);
  }

  // What a token adds to a text.
  piece(number, before) {
    const token = this.page.vocabulary[number];
    if (this.page.tokens === "characters") return token;
    if (token === "<eos>" && this.page.eos) return "\n";
    return before === "" || before.endsWith("\n") ? token : ` ${token}`;
  }

  // The recorded sequence with the fewest unknown tokens, without these, as people write it.
  example(sequences) {
    const known = sequences.map((numbers) => numbers.filter((n) => n > UNKNOWN));
    const share = (k) => (known[k].length > 2) * known[k].length / sequences[k].length;
    const best = known.map((_, k) => k).reduce((a, b) => (share(b) > share(a) ? b : a), 0);
    const text = this.join(known[best]);
    return this.page.tokens === "words" ? text.replace(/ (?=[.,;:!?%)\]}])/g, "").replace(/([([{]) /g, "$1") : text;
  }

  join(numbers) {
    const tokens = numbers.map((n) => this.page.vocabulary[n]);
    if (this.page.tokens === "bytes")
      return new TextDecoder().decode(Uint8Array.from(tokens.map((t) => parseInt(t, 16) || 63)));
    return tokens.join(["characters", "spaced"].includes(this.page.tokens) ? "" : " ").trim();
  }
}

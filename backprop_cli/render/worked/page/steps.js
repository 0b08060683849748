// The lesson as data: every step with its lines of arithmetic, from the numbers of the sweeps.
//
// A line is a list of [text, kind]; kinds are name, value, local (slope), slope (what is carried
// back or forth: adjoint or tangent), dim or none. A step also says
// which nodes and edges it is about, and which numbers it reveals: `shows` is a list of
// {node, what, text, value, parts}, `what` being value or slope (the adjoint, or the tangent).

const MANY = 12; // summands or inputs shown in one line

function ordinal(position) {
  const number = position + 1;
  const teen = number % 100 > 10 && number % 100 < 14;
  return number + ((!teen && { 1: "st", 2: "nd", 3: "rd" }[number % 10]) || "th");
}

class Lesson {
  // `choice` is {mode, output, seed, whole}: reverse or forward, the node looked at, the node that
  // moves, and whether a step of the backward pass is a whole node.
  constructor(data, point, choice) {
    this.data = data;
    this.graph = data.graph;
    this.names = data.names;
    this.choice = choice;
    this.original = point.every((value, k) => Object.is(value, data.point[k]));
    this.values = forwardValues(this.graph, point);
    this.active = dependentsOf(this.graph, data.wrt.map(([, node]) => node));
    const { adjoints, contributions } = reverseSweep(
      this.graph, this.values, choice.output, this.active);
    this.adjoints = adjoints;
    this.contributions = contributions;
    this.locals = new Map(); // by edge, e5-0: the local slope, null where nothing flows
    this.comparisons = new Set(data.comparisons);
    this.graph.rows.forEach((_, node) => {
      if (!this.active[node] || this.comparisons.has(node)) return;
      for (const edge of edgesOf(this.graph, node, this.values, this.active)) {
        this.locals.set(`e${node}-${edge.position}`, edge.local);
      }
    });
    this.forward = choice.mode === "forward";
    if (this.forward) Object.assign(this, forwardSweep(this.graph, this.values, choice.seed));
    this.steps = this.forward ? this.forwardSteps() : this.reverseSteps();
  }

  // What is undefined does not move with an input that it is computed from.
  gradient() {
    const { output } = this.choice;
    return this.data.wrt.map(([name, node]) => {
      const undefined = Number.isNaN(this.values[output]) && dependentsOf(this.graph, [node])[output];
      return [name, node, undefined ? NaN : this.adjoints[node] ?? 0];
    });
  }

  // What is to be said of this point: undefined values, kinks. At the point of the file, Python's
  // own words; elsewhere, what the rules say.
  remarks() {
    if (this.original) return this.data.remarks[this.choice.output] ?? [];
    const remarks = this.undefinedAt();
    const reached = kinksReached(this.graph, this.values, this.adjoints, this.active);
    for (const { node, at, kink } of reached) {
      const where = `${this.names[node]} (${this.graph.rows[at]})`;
      remarks.push(`${where} stands on a ${kink.kind}, ${this.inNames(at, kink.place)}; `
        + `convention: ${kink.convention}`);
    }
    return [...new Set(remarks)];
  }

  // What studies/failures.py says, from the words it has for each node.
  undefinedAt() {
    const live = liveNodes(this.graph, this.values, this.choice.output);
    const node = this.values.findIndex((value, k) => live[k] && !Number.isFinite(value));
    if (node < 0) return this.slopeUndefined();
    const told = this.data.told[node];
    if (typeof told === "string") return [told]; // a constant
    const rule = rules[this.graph.rows[node]];
    const operands = this.graph.operands[node].map((k) => this.values[k]);
    const given = argumentsFor(rule, operands, operands.length - 1, this.values[node]);
    const broken = operands.some(Number.isNaN) ? -1 : rule.domain.findIndex((holds) => !holds(...given));
    if (broken >= 0) {
      const [needs, about] = told.needs[broken];
      const got = this.got(about);
      return [`${told.written} needs ${needs}${got && `, got ${got}`}`];
    }
    const what = Number.isNaN(this.values[node]) ? "is undefined" : "overflows";
    const got = this.got(told.got);
    return [got ? `${told.written} ${what} at ${got}` : `${told.text} ${what}`];
  }

  // Operands with their values; a number of the program has no name.
  got(spoken) {
    const texts = spoken.map(([name, k]) => (name ? `${name} = ` : "") + short(this.values[k]));
    return [...new Set(texts)].join(spoken.every(([name]) => name) ? ", " : " and ");
  }

  slopeUndefined() {
    const reached = this.data.wrt.find(([, node]) =>
      this.adjoints[node] !== null && !Number.isFinite(this.adjoints[node]));
    if (!reached) return [];
    const bad = this.contributions.find(({ value }) => !Number.isFinite(value));
    if (!bad) return [`the contributions to ${this.names[reached[1]]} overflow float64 when added`];
    const { written, got, called } = this.data.told[bad.node];
    const place = this.got(got);
    const by = place.includes(", ") ? ` in ${called[bad.operand] ?? this.names[bad.operand]}` : "";
    const product = `${short(bad.upstream)} × ${short(bad.local)}`;
    const undefined = Number.isNaN(bad.value);
    if (Number.isNaN(bad.local)) return [`${written} has no slope${by} at ${place}`];
    if (Number.isFinite(bad.local)) {
      const what = undefined ? "is undefined" : "overflows float64";
      return [`the slope of ${written} ${what}: ${product}`];
    }
    const cause = undefined ? `: ${product} is undefined` : "";
    return [`${written} has no finite slope${by} at ${place}${cause}`];
  }

  // Words about a rule's parameters, with the names of the operands in their place.
  inNames(node, words) {
    const rule = rules[this.graph.rows[node]];
    const named = new Map(rule.parameters.map((name, k) => [name, this.graph.operands[node][k]]));
    const plain = words.replace("!=", "other than");
    return plain.replace(/\b[a-z]+\b/g, (word) =>
      named.has(word) && !rule.variadic ? this.names[named.get(word)] : word);
  }

  // ------------------------------------------------------------------ symbols and lines

  sign(of, by) {
    return `∂${this.names[of]}/∂${this.names[by]}`;
  }

  // The sign of a local slope; in x·x, which x is meant; in x·sigmoid(x), where the sign could mean
  // the whole derivative, that it is local.
  edgeSign(edge) {
    const twice = this.graph.operands[edge.node].filter((k) => k === edge.operand).length > 1;
    const mark = twice ? ` (${ordinal(edge.position)})` : this.misread(edge) ? " (local)" : "";
    return this.sign(edge.node, edge.operand) + mark;
  }

  misread({ node, operand }) {
    if (this.forward) {
      return operand === this.choice.seed && (this.terms.get(node)?.length ?? 0) > 1;
    }
    return node === this.choice.output
      && this.contributions.filter((sent) => sent.operand === operand).length > 1;
  }

  // How a local slope is computed: ∂f/∂x = y = 1; nothing where it is only a number.
  slopeLine(edge) {
    const [here, general] = this.data.slopes[edge.node]?.[edge.position] ?? ["", ""];
    const words = this.original ? here : general;
    const number = human(edge.local);
    if (!words || words === number) return [];
    return [[[`${this.edgeSign(edge)} = ${words} = `, ""], [number, "local"]]];
  }

  // The operation of a node with the numbers of its operands: 2 + (-3).
  inNumbers(node) {
    const rule = rules[this.graph.rows[node]];
    const operands = this.graph.operands[node].map((k) => this.values[k]);
    const shown = operands.slice(0, MANY).map((value, k) =>
      rule.infix && (k > 0 || rule.infix === "^") ? enclosed(value) : human(value));
    if (operands.length > MANY) shown.push(`… ${operands.length - MANY} more`);
    if (!rule.infix) return `${this.graph.rows[node]}(${shown.join(", ")})`;
    if (shown.length === 1) return `-${enclosed(operands[0])}`;
    const infix = { "*": "·", "^": "^", "/": "/" }[rule.infix] ?? ` ${rule.infix} `;
    return shown.join(infix);
  }

  valueLines(node) {
    const value = [human(this.values[node]), "value"];
    const name = [this.names[node], "name"];
    if (this.graph.rows[node] !== "where") {
      const text = this.data.texts[node];
      const numbers = this.inNumbers(node);
      const middle = numbers === text ? [] : [[` = ${numbers}`, ""]];
      return [[name, [` = ${text}`, ""], ...middle, [" = ", ""], value]];
    }
    const [condition, then, otherwise] = this.graph.operands[node];
    const holds = this.values[condition] !== 0;
    const taken = holds ? then : otherwise;
    return [
      [[`${this.names[condition]} ${holds ? "holds" : "does not hold"}:`, "dim"]],
      [name, [` = ${this.names[taken]} = `, ""], value],
    ];
  }

  valueStep(node) {
    return {
      phase: "Forward pass",
      title: `${this.names[node]} computes its value`,
      rule: "each node computes its value from its operands",
      lines: this.valueLines(node),
      nodes: [node],
      edges: this.graph.operands[node].map((_, position) => [node, position]),
      shows: [this.shown(node, "value", this.values[node])],
    };
  }

  shown(node, what, value, parts = []) {
    return { node, what, value, text: human(value), parts };
  }

  startStep(lines, shows) {
    const inputs = this.graph.inputs.map(([, node]) => node);
    return {
      phase: "Forward pass",
      title: inputs.length ? "The inputs are given" : "There are no inputs",
      rule: inputs.length ? "every input has its value" : "numbers alone have no gradient",
      lines: [this.listLine(inputs.map((k) => [this.names[k], this.values[k], "value"])), ...lines],
      nodes: inputs,
      edges: [],
      shows: [...inputs.map((k) => this.shown(k, "value", this.values[k])), ...shows],
    };
  }

  // a = 2, b = -3, ...: the first of many.
  listLine(items) {
    const line = [];
    for (const [text, value, kind] of items.slice(0, MANY)) {
      line.push([`${line.length ? ", " : ""}${text} = `, ""], [human(value), kind]);
    }
    if (items.length > MANY) line.push([`, … ${items.length - MANY} more`, "dim"]);
    return line;
  }

  operations() {
    return this.graph.rows.map((_, node) => node).filter((node) => this.data.shown[node]);
  }

  // ------------------------------------------------------------------ reverse mode

  reverseSteps() {
    const output = this.choice.output;
    const steps = [this.startStep([], []), ...this.operations().map((k) => this.valueStep(k))];
    if (!this.data.wrt.length) return steps;
    const one = this.sign(output, output);
    steps.push({
      phase: "Backward pass",
      title: `It starts at the output, ${this.names[output]}`,
      rule: "the output moves as fast as itself",
      lines: [[[`${one} = `, ""], ["1", "slope"]]],
      nodes: [output],
      edges: [],
      shows: [this.shown(output, "slope", 1)],
    });
    this.addContributions(steps);
    const gradient = this.gradient();
    steps.push({
      phase: "Gradient",
      title: `The gradient of ${this.names[output]}`,
      rule: "the adjoints of the inputs are the answer",
      lines: [this.listLine(
        gradient.map(([, node, value]) => [this.sign(output, node), value, "slope"]))],
      nodes: gradient.map(([, node]) => node),
      edges: [],
      shows: gradient.map(([, node, value]) => this.shown(node, "slope", value)),
    });
    return steps;
  }

  addContributions(steps) {
    const due = new Map();
    for (const { operand } of this.contributions) due.set(operand, (due.get(operand) ?? 0) + 1);
    const received = new Map();
    let last = null;
    for (const edge of this.contributions) {
      const parts = [...(received.get(edge.operand) ?? []), edge];
      received.set(edge.operand, parts);
      const step = this.edgeStep(edge, parts, due.get(edge.operand));
      if (this.choice.whole && last?.nodes[0] === edge.node && last.edges.length) {
        last.lines.push(...step.lines);
        last.nodes.push(...step.nodes.slice(1));
        last.edges.push(...step.edges);
        last.shows.push(...step.shows);
        last.title = `${this.names[edge.node]} hands on its adjoint`;
      } else {
        steps.push(step);
        last = step;
      }
    }
  }

  edgeStep(edge, parts, due) {
    const output = this.choice.output;
    const total = parts.reduce((sum, part, k) => (k ? sum + part.value : part.value), 0);
    const lines = [
      [
        [`${this.sign(output, edge.node)} × ${this.edgeSign(edge)} = `, ""],
        [human(edge.upstream), "slope"], [" × ", ""], [enclosed(edge.local), "local"],
        [" = ", ""], [human(edge.value), "slope"], ["  ", ""], [`→ ${this.names[edge.operand]}`, "name"],
      ],
      ...this.slopeLine(edge).map((line) => [["where ", "dim"], ...line]),
    ];
    if (due > 1) lines.push(this.sumLine(edge, parts, due, total));
    return {
      phase: "Backward pass",
      title: `${this.names[edge.node]} hands its share to ${this.names[edge.operand]}`,
      rule: "upstream × local slope = contribution" + (due > 1 ? "; contributions add up" : ""),
      lines,
      nodes: [edge.node, edge.operand],
      edges: [[edge.node, edge.position]],
      shows: [this.shown(edge.operand, "slope", total, parts.map((part) => part.value))],
    };
  }

  sumLine(edge, parts, due, total) {
    const line = [[`${this.sign(this.choice.output, edge.operand)} = `, ""]];
    const skipped = Math.max(parts.length - MANY, 0);
    if (skipped) line.push([`… ${skipped} before + `, "dim"]);
    parts.slice(skipped).forEach((part, k) => {
      line.push([k ? " + " : "", ""], [k ? enclosed(part.value) : human(part.value), "slope"]);
      line.push([` (via ${this.names[part.node]})`, "dim"]);
    });
    if (parts.length > 1) line.push([" = ", ""], [human(total), "slope"]);
    if (parts.length < due) line.push([`, and ${due - parts.length} more to come`, "dim"]);
    return line;
  }

  // ------------------------------------------------------------------ forward mode

  forwardSteps() {
    const { seed, output } = this.choice;
    const own = this.sign(seed, seed);
    const still = this.graph.inputs.filter(([, node]) => node !== seed).length;
    const line = [[`${own} = `, ""], ["1", "slope"]];
    if (still) line.push(["; the other inputs stand still", "dim"]);
    const start = this.startStep([line], []);
    for (const [, node] of this.graph.inputs) {
      start.shows.push(this.shown(node, "slope", node === seed ? 1 : 0));
    }
    start.title = `${this.names[seed]} is the seed`;
    start.rule = "one input moves at speed 1";
    const steps = [start, ...this.operations().map((node) => this.tangentStep(node))];
    const slope = this.tangents[output] ?? 0;
    steps.push({
      phase: "Gradient",
      title: `The slope of ${this.names[output]} along ${this.names[seed]}`,
      rule: "one sweep gives one slope; each other input needs a sweep of its own",
      lines: [[[`${this.sign(output, seed)} = `, ""], [human(slope), "slope"]]],
      nodes: [output, seed],
      edges: [],
      shows: [this.shown(output, "slope", slope)],
    });
    return steps;
  }

  tangentStep(node) {
    const step = this.valueStep(node);
    const terms = this.terms.get(node) ?? [];
    const tangent = this.tangents[node];
    const seed = this.choice.seed;
    const sign = this.sign(node, seed);
    if (node === seed && !terms.length) {
      step.lines.push([[`${sign} = `, ""], ["1", "slope"]]);
      step.shows.push(this.shown(node, "slope", 1));
    } else if (tangent === null) {
      step.lines.push([[`${sign} = `, ""], ["0", "slope"], [", it does not move", "dim"]]);
      step.shows.push(this.shown(node, "slope", 0));
    } else {
      step.lines.push(...this.tangentLines(node, terms, tangent));
      step.shows.push(this.shown(node, "slope", tangent, terms.map((term) => term.value)));
    }
    step.title = `${this.names[node]} computes its value and its tangent`;
    step.rule = "local slope × tangent of the operand, added up";
    return step;
  }

  tangentLines(node, terms, tangent) {
    const seed = this.choice.seed;
    const shown = terms.slice(0, MANY);
    const signs = shown.map((term) =>
      this.edgeSign(term) + (term.operand === seed ? "" : ` × ${this.sign(term.operand, seed)}`));
    const line = [[`${this.sign(node, seed)} = ${signs.join(" + ")} = `, ""]];
    shown.forEach((term, k) => {
      line.push([k ? " + " : "", ""], [k ? enclosed(term.local) : human(term.local), "local"]);
      if (term.operand !== seed) line.push([" × ", ""], [enclosed(term.tangent), "slope"]);
    });
    if (terms.length > MANY) line.push([` + … ${terms.length - MANY} more`, "dim"]);
    const simple = terms.length === 1 && terms[0].operand === seed;
    if (!simple) line.push([" = ", ""], [human(tangent), "slope"]);
    const where = shown.flatMap((term) => this.slopeLine(term));
    return [line, ...where.map((part) => [["where ", "dim"], ...part])];
  }
}

// The sweeps over a graph of columns: what calculus/values, reverse and forward do in Python, with
// the same order of additions, so that the sums are the same numbers.

// A graph as it comes from JSON, with users counted and constants as numbers.
function readGraph(columns) {
  const constants = new Map();
  for (const [node, value] of Object.entries(columns.constants)) {
    constants.set(Number(node), Number(value));
  }
  return { ...columns, constants, size: columns.rows.length };
}

// The value of every node; `point` has a number for each input, by position.
function forwardValues(graph, point) {
  const values = new Array(graph.size).fill(NaN);
  for (const [node, value] of graph.constants) values[node] = value;
  graph.inputs.forEach(([, node], k) => (values[node] = point[k]));
  graph.rows.forEach((row, node) => {
    const rule = rules[row];
    if (rule) values[node] = rule.value(...graph.operands[node].map((k) => values[k]));
  });
  return values;
}

// Which nodes depend on any of these.
function dependentsOf(graph, sources) {
  const mask = new Array(graph.size).fill(false);
  for (const source of sources) mask[source] = true;
  graph.operands.forEach((operands, node) => {
    if (operands.some((k) => mask[k])) mask[node] = true;
  });
  return mask;
}

// What the rule's partials, conditions and domain take for the operand at `position`.
function argumentsFor(rule, operands, position, out) {
  if (!rule.variadic) return [...operands, out];
  const rest = operands.slice(rule.fixed);
  const ties = rest.filter((value) => value === out).length;
  const fixed = operands.slice(0, rule.fixed);
  return [...fixed, operands[position], out, ties, position - rule.fixed, rest.length];
}

// [{node, position, operand, local}] for the active operands of a node. Along an edge that a
// selecting operation did not take, `local` is null: nothing flows, not even 0 times infinity.
function edgesOf(graph, node, values, active) {
  const rule = rules[graph.rows[node]];
  if (!rule) return [];
  const operands = graph.operands[node].map((k) => values[k]);
  const out = values[node];
  const edges = [];
  graph.operands[node].forEach((operand, position) => {
    if (!active[operand]) return;
    const partial = rule.partials[Math.min(position, rule.partials.length - 1)];
    let local = out !== out ? NaN : partial(...argumentsFor(rule, operands, position, out));
    if (local === 0 && rule.selects) local = null;
    edges.push({ node, position, operand, local });
  });
  return edges;
}

// The adjoint of every node (null where nothing arrived), and every contribution in order.
function reverseSweep(graph, values, output, active) {
  const adjoints = new Array(graph.size).fill(null);
  adjoints[output] = 1;
  const contributions = [];
  for (let node = output; node >= 0; node--) {
    const upstream = adjoints[node];
    if (upstream === null) continue;
    for (const edge of edgesOf(graph, node, values, active)) {
      if (edge.local === null) continue;
      const sent = upstream * edge.local;
      const before = adjoints[edge.operand];
      adjoints[edge.operand] = before === null ? sent : before + sent;
      contributions.push({ ...edge, upstream, value: sent });
    }
  }
  return { adjoints, contributions };
}

// The tangent of every node when `seed` moves at speed 1, null where it does not depend on it;
// and, for each node, the terms of its sum.
function forwardSweep(graph, values, seed) {
  const depends = dependentsOf(graph, [seed]);
  const tangents = new Array(graph.size).fill(null);
  const terms = new Map();
  tangents[seed] = 1;
  for (let node = seed; node < graph.size; node++) {
    if (!depends[node]) continue;
    for (const edge of edgesOf(graph, node, values, depends)) {
      const tangent = tangents[edge.operand];
      if (edge.local === null || tangent === null) continue;
      const moved = edge.local * tangent;
      tangents[node] = tangents[node] === null ? moved : tangents[node] + moved;
      if (!terms.has(node)) terms.set(node, []);
      terms.get(node).push({ ...edge, tangent, value: moved });
    }
  }
  return { tangents, terms };
}

// Which nodes the value of `output` really comes from: what a choice left out does not count.
function liveNodes(graph, values, output) {
  const everything = new Array(graph.size).fill(true);
  const live = new Array(graph.size).fill(false);
  live[output] = true;
  for (let node = output; node >= 0; node--) {
    if (!live[node]) continue;
    const rule = rules[graph.rows[node]];
    const chooses = rule && rule.selects && Number.isFinite(values[node]);
    for (const operand of graph.operands[node]) if (!chooses) live[operand] = true;
    if (!chooses) continue;
    for (const edge of edgesOf(graph, node, values, everything)) {
      if (edge.local !== null) live[edge.operand] = true;
    }
  }
  return live;
}

// The kinks and jumps at this point that reach the output: [{node, at, kink}]. A condition's
// belongs to the `where` that reads it. A jump counts even where its adjoint is 0.
function kinksReached(graph, values, adjoints, active) {
  const found = [];
  graph.rows.forEach((row, node) => {
    if (adjoints[node] === null || !active[node] || !rules[row]) return;
    const at = row === "where" ? graph.operands[node][0] : node;
    const rule = rules[graph.rows[at]];
    if (!rule) return;
    const operands = graph.operands[at];
    const numbers = operands.map((k) => values[k]);
    const given = argumentsFor(rule, numbers, operands.length - 1, values[at]);
    for (const kink of rule.kinks) {
      const about = kink.about.length ? kink.about.map((k) => operands[k]) : operands;
      const matters = adjoints[node] !== 0 || kink.kind === "jump";
      if (matters && about.some((k) => active[k]) && kink.at(...given)) {
        found.push({ node, at, kink });
      }
    }
  });
  return found;
}

// The page: it shows one step of a lesson, and makes a new lesson when an input, the mode, the seed
// or the output changes. All text goes in as text, never as markup.

const data = JSON.parse(document.getElementById("lesson").textContent);
data.graph = readGraph(data.graph);
data.point = data.point.map(Number);

const find = (id) => document.getElementById(id);
const point = data.point.slice();
const choice = { mode: "reverse", output: data.outputs[0].node, seed: data.wrt[0]?.[1] ?? 0, whole: data.whole };
let lesson = null;
let current = 0;
let playing = 0;
let pictures = [];

function spans(line) {
  return line.map(([text, kind]) => {
    const span = document.createElement("span");
    span.textContent = text;
    if (kind) span.className = kind;
    return span;
  });
}

function paragraph(line, kind) {
  const made = document.createElement("p");
  made.className = kind;
  made.append(...spans(line));
  return made;
}

function setText(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

// ------------------------------------------------------------------ one step

// The numbers that are known after the step: by what (value or slope), then by node.
function knownAt(step) {
  const known = { value: new Map(), slope: new Map() };
  for (const { shows } of lesson.steps.slice(0, step + 1)) {
    for (const shown of shows) known[shown.what].set(shown.node, shown);
  }
  return known;
}

function showStep(step) {
  current = Math.max(0, Math.min(step, lesson.steps.length - 1));
  const here = lesson.steps[current];
  const slider = find("slider");
  slider.max = lesson.steps.length - 1;
  slider.value = current;
  slider.setAttribute("aria-valuetext", `${here.phase}, step ${current + 1} of ${lesson.steps.length}`);
  setText(find("count"), `${here.phase} · step ${current + 1} of ${lesson.steps.length}`);
  const title = document.createElement("h3");
  title.textContent = here.title;
  find("say").replaceChildren(
    title,
    ...here.lines.map((line, k) => paragraph(line, k ? "line more" : "line")),
    paragraph([[here.rule, ""]], "rule"));
  for (const name of ["first", "back"]) find(name).disabled = current === 0;
  for (const name of ["next", "last"]) find(name).disabled = current === lesson.steps.length - 1;
  for (const button of document.querySelectorAll("[data-phase]")) {
    const now = button.dataset.phase === here.phase;
    button.setAttribute("aria-current", now ? "step" : "false");
  }
  const known = knownAt(current);
  showLedger(here, known);
  showPicture(here, known);
}

// ------------------------------------------------------------------ the ledger of nodes

function makeLedger() {
  const body = find("ledger-rows");
  const inputs = data.graph.inputs.map(([, node]) => node);
  const rows = [...inputs, ...lesson.operations()].map((node) => {
    const row = document.createElement("tr");
    row.id = `row-${node}`;
    const name = document.createElement("th");
    name.scope = "row";
    name.textContent = data.names[node];
    row.append(name);
    const is = data.graph.rows[node] === "input" ? "input" : data.texts[node];
    for (const [kind, text] of [["is", is], ["value", ""], ["slope", ""]]) {
      const cell = document.createElement("td");
      cell.className = kind;
      cell.textContent = text;
      row.append(cell);
    }
    return row;
  });
  body.replaceChildren(...rows);
}

function showLedger(here, known) {
  for (const row of find("ledger-rows").rows) {
    const node = Number(row.id.slice(4));
    row.classList.toggle("now", here.nodes.includes(node));
    for (const what of ["value", "slope"]) {
      const shown = known[what].get(node);
      const cell = row.querySelector(`td.${what}`);
      const parts = shown?.parts ?? [];
      const few = parts.length > 1 && parts.length <= 3;
      const sum = few ? `${parts.map((part, k) => (k ? enclosed(part) : human(part))).join(" + ")} = ` : "";
      setText(cell, shown ? sum + shown.text : "");
      if (shown) cell.dataset.value = machine(shown.value);
      else delete cell.dataset.value;
    }
  }
  const row = here.nodes.length ? find(`row-${here.nodes[0]}`) : null;
  const box = find("ledger-box");
  if (row && box.scrollHeight > box.clientHeight) {
    const top = row.offsetTop - box.clientHeight / 2;
    box.scrollTop = top;
  }
}

// ------------------------------------------------------------------ the picture

function showPicture(here, known) {
  data.outputs.forEach(({ node }, k) => {
    pictures[k].box.hidden = node !== choice.output;
    if (node === choice.output) pictures[k].show(lesson, here, known);
  });
}

// ------------------------------------------------------------------ a new lesson

function renew(step) {
  lesson = new Lesson(data, point, choice);
  const phases = new Set(lesson.steps.map(({ phase }) => phase));
  for (const button of document.querySelectorAll("[data-phase]")) {
    button.hidden = !phases.has(button.dataset.phase);
  }
  const by = lesson.forward ? `∂node/∂${data.names[choice.seed]}` : `∂${data.names[choice.output]}/∂node`;
  setText(find("slope-heading"), by);
  setText(find("slope-key"), lesson.forward ? `→ tangent ${by}` : `← gradient ${by}`);
  find("seed-field").hidden = !lesson.forward;
  find("whole-field").hidden = !phases.has("Backward pass");
  for (const id of ["slope-key", "slope-heading"]) find(id).hidden = !data.wrt.length;
  const remarks = lesson.remarks();
  find("remarks").replaceChildren(...remarks.map((text) => paragraph([[text, ""]], "remark")));
  for (const note of document.querySelectorAll(".edited")) note.hidden = lesson.original;
  showAnswer();
  showStep(step);
}

function showAnswer() {
  const output = choice.output;
  const items = [[data.names[output], lesson.values[output], "value", "answer-value"]];
  for (const [name, node, slope] of lesson.gradient()) {
    items.push([lesson.sign(output, node), slope, "slope", `answer-${name}`]);
  }
  find("answer").replaceChildren(...items.map(([text, value, kind, key]) => {
    const item = document.createElement("li");
    item.append(...spans([[`${text} = `, ""], [human(value), kind]]));
    item.lastChild.dataset.value = machine(value);
    item.dataset.key = key;
    return item;
  }));
}

function edit(field, position) {
  const value = readNumber(field.value);
  const good = !Number.isNaN(value);
  field.setAttribute("aria-invalid", String(!good));
  const bad = [...document.querySelectorAll("#inputs [aria-invalid=true]")].map((each) => each.name);
  setText(find("input-error"), bad.length
    ? `${bad.join(", ")}: write a finite number, such as 2, -1/3 or pi/2` : "");
  if (!good) return;
  point[position] = value;
  renew(current);
}

function reset() {
  data.graph.inputs.forEach((_, k) => {
    const field = find(`in-${k}`);
    point[k] = data.point[k];
    field.value = field.defaultValue;
    field.setAttribute("aria-invalid", "false");
  });
  setText(find("input-error"), "");
  renew(current);
}

// ------------------------------------------------------------------ moving about

function stop() {
  clearInterval(playing);
  playing = 0;
  setText(find("play"), "Play");
}

function go(step) {
  stop();
  showStep(step);
}

function play() {
  if (playing) return stop();
  if (current === lesson.steps.length - 1) showStep(0);
  setText(find("play"), "Pause");
  playing = setInterval(() => {
    showStep(current + 1);
    if (current === lesson.steps.length - 1) stop();
  }, 1600);
}

const MOVES = {
  ArrowRight: () => current + 1,
  ArrowLeft: () => current - 1,
  PageDown: () => current + 10,
  PageUp: () => current - 10,
  Home: () => 0,
  End: () => lesson.steps.length - 1,
};

// The keys move through the steps, but not where they have a use of their own.
function onKey(event) {
  const own = event.target.closest("input, select, textarea, [tabindex]");
  const move = MOVES[event.key];
  if (!move || event.altKey || event.ctrlKey || event.metaKey || (own && own.id !== "slider")) return;
  if (own === null && (event.key.startsWith("Page") || event.key === "Home" || event.key === "End")) return;
  event.preventDefault();
  go(move());
}

function start() {
  find("first").addEventListener("click", () => go(0));
  find("back").addEventListener("click", () => go(current - 1));
  find("next").addEventListener("click", () => go(current + 1));
  find("last").addEventListener("click", () => go(lesson.steps.length - 1));
  find("play").addEventListener("click", play);
  find("slider").addEventListener("input", (event) => go(Number(event.target.value)));
  document.addEventListener("keydown", onKey);
  for (const button of document.querySelectorAll("[data-phase]")) {
    button.addEventListener("click", () =>
      go(lesson.steps.findIndex(({ phase }) => phase === button.dataset.phase)));
  }
  for (const radio of document.querySelectorAll("[name=mode]")) {
    radio.addEventListener("change", () => {
      choice.mode = radio.value;
      stop();
      renew(0);
    });
  }
  for (const name of ["seed", "output"]) {
    find(name)?.addEventListener("change", (event) => {
      choice[name] = Number(event.target.value);
      stop();
      renew(name === "seed" ? 0 : current);
    });
  }
  find("whole").addEventListener("change", (event) => {
    choice.whole = event.target.checked;
    go(0);
    renew(0);
  });
  data.graph.inputs.forEach((_, k) =>
    find(`in-${k}`).addEventListener("input", (event) => edit(event.target, k)));
  find("reset")?.addEventListener("click", reset);
  find("inputs")?.addEventListener("submit", (event) => event.preventDefault());
  pictures = [...document.querySelectorAll("[data-picture]")].map(
    (box) => new DrawnGraph(box, box.dataset.picture));
  lesson = new Lesson(data, point, choice);
  makeLedger();
  renew(0);
}

start();

// The picture, one number at a time: render/graph/svg.py has drawn it with every number of the
// answer; here they are hidden, shown when the step has come, and replaced when inputs change.

const FIGURES = 6;
const SMALLEST = 0.7; // how far a picture shrinks before it scrolls
const NARROWEST = 6; // characters for which there is always room

// A number as pictures have it, with fewer digits where there is no room for them.
function pictured(value, room) {
  const whole = Number.isInteger(value) && Math.abs(value) < 1e15;
  for (let digits = whole ? DIGITS : FIGURES; digits > 2; digits--) {
    const text = human(value, digits);
    if (text.length <= room) return text;
  }
  return human(value, 2);
}

class DrawnGraph {
  // `prefix` stands before the identifiers of this output's picture.
  constructor(box, prefix) {
    this.box = box;
    this.prefix = prefix;
    this.rooms = new Map();
    // The stories that a pointer would be shown tell the finished answer.
    for (const story of box.querySelectorAll("g > title")) story.remove();
    const told = box.querySelector("desc");
    const image = box.querySelector("svg");
    const across = Number(image.getAttribute("width"));
    image.style.width = `clamp(${SMALLEST * across}px, 100%, ${across}px)`;
    if (told) told.textContent = "The table of what is known so far has the same numbers.";
  }

  find(id) {
    return document.getElementById(this.prefix + id);
  }

  write(id, value) {
    const element = this.find(id);
    if (!element) return;
    if (!this.rooms.has(id)) {
      this.rooms.set(id, Math.max(element.textContent.length, NARROWEST));
    }
    const around = element.closest("text");
    const frame = id.endsWith("-slope") ? element.closest("g").querySelector(".badge") : null;
    around.classList.toggle("pending", value === null);
    frame?.classList.toggle("pending", value === null);
    if (value === null) return;
    const text = typeof value === "string" ? value : pictured(value, this.rooms.get(id));
    if (element.textContent !== text) element.textContent = text;
  }

  // A place for the gradient of a node that nothing reached when the picture was drawn.
  addGradient(node) {
    const value = this.find(`n${node}-value`)?.closest("text");
    if (!value || this.find(`n${node}-adjoint`)) return;
    const text = document.createElementNS(value.namespaceURI, "text");
    text.setAttribute("class", "gradient");
    text.setAttribute("x", value.getAttribute("x"));
    text.setAttribute("y", Number(value.getAttribute("y")) + 24);
    const number = document.createElementNS(value.namespaceURI, "tspan");
    number.id = `${this.prefix}n${node}-adjoint`;
    text.append("← ", number);
    value.after(text);
  }

  show(lesson, here, known) {
    const graph = lesson.graph;
    this.mark(graph, here);
    const arrow = lesson.forward ? "→ " : "← ";
    for (let node = 0; node < graph.size; node++) {
      const ready = known.value.has(node);
      if (lesson.data.shown[node] || graph.rows[node] === "input") {
        this.write(`n${node}-value`, ready ? known.value.get(node).value : null);
        const slope = known.slope.get(node);
        if (slope) this.addGradient(node);
        this.write(`n${node}-adjoint`, slope ? slope.value : null);
        const around = this.find(`n${node}-adjoint`)?.closest("text");
        if (around) around.firstChild.data = arrow;
      } else if (lesson.comparisons.has(node)) {
        const settled = graph.operands[node].every((k) => known.value.has(k) || !lesson.active[k]);
        const holds = lesson.values[node] === 1 ? "true" : "false";
        this.write(`n${node}-value`, settled ? holds : null);
      }
      this.showWires(lesson, node, ready);
    }
  }

  // The nodes and edges of the step, and the wires that these edges begin with.
  mark(graph, here) {
    for (const old of this.box.querySelectorAll(".now, .source")) {
      old.classList.remove("now", "source");
    }
    for (const node of here.nodes) this.find(`n${node}`)?.classList.add("now");
    for (const [node, position] of here.edges) {
      this.find(`e${node}-${position}`)?.classList.add("now");
      this.find(`n${graph.operands[node][position]}`)?.classList.add("source");
    }
    this.bringIntoView(here.nodes.map((node) => this.find(`n${node}`)).filter(Boolean));
  }

  // Scrolls the picture, not the page, until the nodes are in it.
  bringIntoView(groups) {
    const frame = this.box.closest(".scroll");
    if (!groups.length) return;
    const outer = frame.getBoundingClientRect();
    const boxes = groups.map((group) => group.getBoundingClientRect());
    const left = Math.min(...boxes.map((box) => box.left)) - outer.left;
    const right = Math.max(...boxes.map((box) => box.right)) - outer.left;
    const top = Math.min(...boxes.map((box) => box.top)) - outer.top;
    const bottom = Math.max(...boxes.map((box) => box.bottom)) - outer.top;
    if (left < 0 || right > outer.width) {
      frame.scrollLeft += (left + right - outer.width) / 2;
    }
    if (top < 0 || bottom > outer.height) {
      frame.scrollTop += (top + bottom - outer.height) / 2;
    }
  }

  showWires(lesson, node, ready) {
    lesson.graph.operands[node].forEach((operand, position) => {
      const id = `e${node}-${position}`;
      const local = lesson.locals.get(id);
      if (local === undefined || lesson.comparisons.has(operand)) return;
      this.write(`${id}-slope`, ready ? (local ?? 0) : null);
      this.find(id)?.querySelector(".wire")?.classList.toggle("idle", ready && local === null);
    });
  }
}

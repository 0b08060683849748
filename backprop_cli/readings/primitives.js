// What the formulas of the operation table call, by the table's own names.
//
// Where JavaScript leaves a function to the engine, the engine's is taken: every engine of today
// keeps within two units in the last place. The rest is written out so as to give what Python
// gives, infinities and NaN included.

// The sum of floats, rounded once (Shewchuk, Adaptive precision floating-point arithmetic, 1997).
function exactSum(values) {
  const parts = [];
  let special = 0;
  for (const value of values) {
    if (!Number.isFinite(value)) {
      special += value;
      continue;
    }
    let x = value;
    let count = 0;
    for (let y of parts) {
      if (Math.abs(x) < Math.abs(y)) [x, y] = [y, x];
      const high = x + y;
      const low = y - (high - x);
      if (low !== 0) parts[count++] = low;
      x = high;
    }
    parts.length = count;
    if (x !== 0) parts.push(x);
  }
  if (special !== 0) return special; // an infinity; or NaN, which differs from everything
  let total = parts.pop() ?? 0;
  let low = 0;
  while (parts.length > 0 && low === 0) {
    const x = total;
    const y = parts.pop();
    total = x + y;
    low = y - (total - x);
  }
  // Half-way between two floats, what is left decides (Python issue 1420).
  const next = parts[parts.length - 1];
  if (next !== undefined && ((low < 0 && next < 0) || (low > 0 && next > 0))) {
    const twice = 2 * low;
    const rounded = total + twice;
    if (twice === rounded - total) total = rounded;
  }
  return total;
}

// The sum again, for terms whose partial sums may overflow although the whole does not.
function scaledSum(values) {
  const total = exactSum(values);
  if (Number.isFinite(total) || !values.every(Number.isFinite)) return total;
  return exactSum(values.map((value) => value / 2 ** 64)) * 2 ** 64;
}

// IEEE 754's pow: in JavaScript 1^NaN and (-1)^Infinity are NaN.
function power(x, y) {
  if (x === 1 || (x === -1 && (y === Infinity || y === -Infinity))) return 1;
  return x ** y;
}

// The first of the values that none is before; NaN if any is NaN.
function chosen(values, isBefore) {
  if (values.some(Number.isNaN)) return NaN;
  return values.reduce((best, value) => (isBefore(value, best) ? value : best));
}

function meanOf(values) {
  const total = exactSum(values);
  if (Number.isFinite(total) || !values.every(Number.isFinite)) return total / values.length;
  return (exactSum(values.map((value) => value / 2 ** 64)) / values.length) * 2 ** 64;
}

// max + log1p of the others relative to it (Blanchard, Higham & Higham 2021), as in Python.
function logSumExp(values) {
  if (values.some(Number.isNaN)) return NaN;
  const largest = Math.max(...values);
  if (!Number.isFinite(largest)) return largest;
  const others = values.slice();
  others.splice(values.indexOf(largest), 1);
  return largest + Math.log1p(exactSum(others.map((value) => Math.exp(value - largest))));
}

const primitive = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => x * y,
  div: (x, y) => x / y,
  neg: (x) => -x,
  pow: power,
  abs: Math.abs,
  floor: (x) => Math.floor(x) + 0, // Python's floor has no -0
  ceil: (x) => Math.ceil(x) + 0,
  min: (...values) => chosen(values, (x, y) => x < y),
  max: (...values) => chosen(values, (x, y) => x > y),
  pick: (index, ...values) => (Number.isInteger(index) ? (values[index] ?? NaN) : NaN),
  sum: (...values) => scaledSum(values),
  mean: (...values) => meanOf(values),
  logsumexp: (...values) => logSumExp(values),
};
for (const name of ("exp expm1 log log2 log10 log1p sqrt cbrt hypot sin cos tan asin acos atan " +
  "atan2 sinh cosh tanh asinh acosh atanh").split(" ")) {
  primitive[name] = Math[name];
}

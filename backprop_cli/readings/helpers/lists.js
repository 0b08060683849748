// The value number `index`, counted from 0; NaN if there is none.
function pick(index, values) {
  return Number.isInteger(index) ? (values[index] ?? NaN) : NaN;
}

// How many values equal `out`.
function ties(out, values) {
  return values.filter((value) => value === out).length;
}

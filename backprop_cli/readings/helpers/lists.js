// The value number `index`, counted from 0; NaN if there is none.
function pick(index, values) {
  return Number.isInteger(index) ? (values[index] ?? NaN) : NaN;
}

// Numbers as people read and type them: what render/numbers.py and studies/point.py do.

const DIGITS = 10;

function withoutIdleZeros(text) {
  return text.includes(".") ? text.replace(/\.?0*$/, "") : text;
}

// A number as [sign, digits, power]: half-way cases go to the even digit, as in Python, where
// JavaScript's own functions go up.
function rounded(value, count) {
  const [long, exponent] = Math.abs(value).toExponential(count + 30).split("e");
  const digits = long.replace(".", "");
  const sign = value < 0 ? "-" : "";
  if (/^50*$/.test(digits.slice(count)) && "02468".includes(digits[count - 1])) {
    return [sign, digits.slice(0, count), Number(exponent)];
  }
  const [short, power] = Math.abs(value).toExponential(count - 1).split("e");
  return [sign, short.replace(".", ""), Number(power)];
}

// A number with up to so many significant digits: 0.1, -3, 1.5e-300, nan, inf.
function human(value, count = DIGITS) {
  if (value !== value) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const [sign, digits, power] = rounded(value, count);
  if (power < -4 || power >= count) {
    return `${sign}${withoutIdleZeros(`${digits[0]}.${digits.slice(1)}`)}e${power}`;
  }
  const padded = "0".repeat(Math.max(-power, 0)) + digits;
  const point = Math.max(power, 0) + 1;
  return sign + withoutIdleZeros(`${padded.slice(0, point)}.${padded.slice(point)}`);
}

// A number as messages have it: 1e-09, where tables have 1e-9.
function short(value) {
  return human(value).replace(/e(-?)(\d+)$/, (_, sign, digits) =>
    `e${sign || "+"}${digits.padStart(2, "0")}`);
}

// A number that reads back to the same number; String(-0) would lose its sign.
function machine(value) {
  return Object.is(value, -0) ? "-0" : String(value);
}

// A number that follows a sign: -3 as (-3).
function enclosed(value) {
  const text = human(value);
  return text.startsWith("-") ? `(${text})` : text;
}

const NAMED = { pi: Math.PI, "π": Math.PI, e: Math.E, tau: 2 * Math.PI };
const FACTOR = /^([-+]*)(\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|pi|π|e|tau)$/;

// The number of a text such as 2, -1/3, pi/2 or 1e-3; NaN if it is none, or not finite.
function readNumber(text) {
  const plain = text.trim().replaceAll("−", "-");
  let result = 1;
  let divides = false;
  for (const part of plain.split(/\s*([*/])\s*/)) {
    if (part === "*" || part === "/") {
      divides = part === "/";
      continue;
    }
    const found = FACTOR.exec(part);
    if (!found) return NaN;
    const size = NAMED[found[2]] ?? Number(found[2]);
    const value = found[1].replaceAll("+", "").length % 2 ? -size : size;
    result = divides ? result / value : result * value;
  }
  return Number.isFinite(result) ? result : NaN;
}

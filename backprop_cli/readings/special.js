// Special functions: the port of special.py, line by line, where their sources are given. The
// tables of coefficients (STIRLING and so on) are written before this file from those of Python.
// erf and erfc, which Python has from its C library, are approximated here.

const E = [2.718281828459045, 1.4456468917292502e-16]; // each constant in two parts, high and low
const PI = [3.141592653589793, 1.2246467991473532e-16];
const ROOT_HALF = [0.7071067811865476, -4.833646656726457e-17];
const ROOT_TWO_PI = [2.5066282746310007, -7.312045493924427e-17]; // the low part is relative
const DIGAMMA_ROOT = [1.4616321449683622, 9.549995429965697e-17];
const TWO_OVER_ROOT_PI = 1.1283791670955126;
const HALF_LOG_TWO_PI_LESS_HALF = 0.4189385332046727;
const ONE_LESS_EULER = 0.42278433509846713;

// erf(x)/x in x^2, for |x| < 3/4; Chebyshev fits by mpmath, 1e-18.
const ERF = [1.1283791670955126, -0.37612638903183754, 0.11283791670955087, -0.026866170645118446,
  0.005223977625222192, -0.0008548327001135946, 0.00012055331545294116, -1.4925589383821143e-05,
  1.646038320985815e-06, -1.63332293434337e-07, 1.4413879289095029e-08, -9.502840894774706e-10];

// exp(x^2) erfc(x) about the middle of each range [from, middle, coefficients]; the last in 1/x^2.
const ERFC = [
  [0.75, 1, [0.427583576155807, -0.27321201478389856, 0.15437156137190738, -0.07922696894132644,
    0.03757229621555863, -0.01666186909049454, 0.0069701423492655795, -0.0027690647681514447,
    0.0010502705731514543, -0.00038195487935942945, 0.0001336354890641132,
    -4.5135688162812624e-05, 1.5071795459280236e-05, -4.770929571402558e-06]],
  [1.25, 1.625, [0.30226120936348594, -0.14603023666418335, 0.06496207478418801,
    -0.026977910093251917, 0.010561485441322148, -0.003926198500437135, 0.0013938042929702349,
    -0.00047464757858038344, 0.0001556254870001464, -4.927914256683723e-05,
    1.5109489054524536e-05, -4.4957391339043665e-06, 1.2997021824895985e-06,
    -3.6624637349857933e-07, 1.0480899005126589e-07, -2.808822615234249e-08]],
  [2, 2.5, [0.2108063640611436, -0.07434734678979467, 0.024937997086656956,
    -0.008001569382101618, 0.002467036815697219, -0.0007335909371382576, 0.0002110198244195237,
    -5.886896472383184e-05, 1.5961851018812493e-05, -4.214295494064897e-06,
    1.0852406768030674e-06, -2.729566325679601e-07, 6.705533370866154e-08,
    -1.61506305224933e-08, 4.023499351874463e-09, -9.299068690583155e-10]],
  [3, 4, [0.13699945762506138, -0.032383506095021455, 0.007465433244975571,
    -0.0016811820767460804, 0.0003703524689955506, -7.990888030615197e-05, 1.6905649257880807e-05,
    -3.5103666450785842e-06, 7.160456637840442e-07, -1.4359646311168902e-07,
    2.8331982430592884e-08, -5.503316423158759e-09, 1.0530751481201261e-09,
    -1.9869989991567655e-10, 3.6956966653204504e-11, -6.70780972237594e-12,
    1.2157209744996427e-12, -2.5465106587929623e-13, 4.484584811109752e-14]],
];
const ERFC_TAIL = [0.5641895835477563, -0.2820947917738721, 0.42314218765225087,
  -1.0578554643813989, 3.702492752634896, -16.660980863003374, 91.60920419075981,
  -593.5149853241949, 4352.467618402735, -33542.73137991154, 237240.63685527167,
  -1252718.1963617918, 3438037.514087318];

function modulo(x, divisor) {
  const rest = x % divisor;
  return rest !== 0 && rest < 0 !== divisor < 0 ? rest + divisor : rest;
}

function withSign(size, sign) {
  return sign < 0 || Object.is(sign, -0) ? -Math.abs(size) : Math.abs(size);
}

// x as [part, exponent] with 1/2 <= |part| < 1.
function splitExponent(x) {
  if (x === 0 || !Number.isFinite(x)) return [x, 0];
  let exponent = 0;
  let part = x;
  while (Math.abs(part) >= 2 ** 64) [part, exponent] = [part / 2 ** 64, exponent + 64];
  while (Math.abs(part) < 2 ** -64) [part, exponent] = [part * 2 ** 64, exponent - 64];
  while (Math.abs(part) >= 1) [part, exponent] = [part / 2, exponent + 1];
  while (Math.abs(part) < 0.5) [part, exponent] = [part * 2, exponent - 1];
  return [part, exponent];
}

function scaled(part, exponent) {
  if (exponent > 2200) return part * Infinity;
  let result = part;
  let left = exponent;
  for (; left > 1000; left -= 1000) result *= 2 ** 1000;
  // Going down, only the last step may round, so no step before it enters the denormals.
  for (; left < -900 && Math.abs(result) > 2 ** -100; left += 900) result *= 2 ** -900;
  return left < -1074 ? result * 2 ** -1000 * 2 ** (left + 1000) : result * 2 ** left;
}

function halves(x) {
  const large = 134217729 * x; // Veltkamp 1968
  const high = large - (large - x);
  return [high, x - high];
}

function twoProduct(left, right) {
  const product = left * right;
  const [a, b] = halves(left);
  const [c, d] = halves(right);
  return [product, a * c - product + a * d + b * c + b * d];
}

function polynomial(coefficients, point) {
  let total = 0;
  for (let k = coefficients.length - 1; k >= 0; k--) total = total * point + coefficients[k];
  return total;
}

function sinPi(x) {
  let reduced = x % 2;
  if (reduced > 1) reduced -= 2;
  if (reduced < -1) reduced += 2;
  if (Math.abs(reduced) > 0.5) reduced = withSign(1, reduced) - reduced;
  const [angle, low] = twoProduct(PI[0], reduced);
  return Math.sin(angle) + (low + PI[1] * reduced) * Math.cos(angle);
}

function piCotPi(x) {
  let reduced = x % 1;
  if (reduced > 0.5) reduced -= 1;
  if (reduced < -0.5) reduced += 1;
  if (Math.abs(reduced) <= 0.25) return Math.PI / Math.tan(Math.PI * reduced);
  return withSign(Math.PI * Math.tan(Math.PI * (0.5 - Math.abs(reduced))), reduced);
}

function expSquare(x, c) {
  if (!(Number.isFinite(x) && Number.isFinite(c))) {
    const product = c * x * x;
    return product === -Infinity ? 0 : product;
  }
  const [xPart, xExponent] = splitExponent(x);
  const [cPart, cExponent] = splitExponent(c);
  const [square, squareError] = twoProduct(xPart, xPart);
  let [high, low] = twoProduct(cPart, square);
  low += cPart * squareError;
  const exponent = 2 * xExponent + cExponent;
  if (high === 0 || exponent < -60) return 1;
  if (exponent > 13) return high > 0 ? Infinity : 0;
  const whole = Math.exp(scaled(high, exponent));
  return whole === Infinity ? Infinity : whole + whole * scaled(low, exponent);
}

// Accuracy: 1 ulp.
function erf(x) {
  if (Math.abs(x) < 0.75) return x * polynomial(ERF, x * x);
  return x > 0 ? 1 - erfc(x) : erfc(-x) - 1;
}

// Accuracy: 3 ulp, denormal results included.
function erfc(x) {
  if (Math.abs(x) < 0.75) return 1 - erf(x);
  if (x < 0) return 2 - erfc(-x);
  if (!(x < 28)) return x !== x ? x : 0;
  const fall = expSquare(x, -1);
  if (x >= 5) return (fall * polynomial(ERFC_TAIL, 1 / (x * x))) / x;
  const [, middle, coefficients] = ERFC.findLast(([from]) => from <= x);
  return fall * polynomial(coefficients, x - middle);
}

function normalCdf(x) {
  if (!(Math.abs(x) < 40)) return x !== x ? x : x > 0 ? 1 : 0;
  let [high, low] = twoProduct(-x, ROOT_HALF[0]);
  low -= x * ROOT_HALF[1];
  return 0.5 * (erfc(high) - TWO_OVER_ROOT_PI * Math.exp(-high * high) * low);
}

function factorial(n) {
  let product = 1n;
  for (let k = 2n; k <= BigInt(n); k++) product *= k;
  return Number(product); // rounded once
}

function stirlingParts(x) {
  const correction = Math.expm1(polynomial(STIRLING, 1 / (x * x)) / x);
  let rest = ROOT_TWO_PI[0] * Math.exp(-x);
  rest += rest * (correction + ROOT_TWO_PI[1]);
  if (x < 140) return [x ** (x - 0.5), rest];
  const root = x ** (0.5 * x - 0.25);
  return [root, rest * root];
}

function logGammaNearTwo(t) {
  return t * (ONE_LESS_EULER + t * polynomial(LOG_GAMMA_AT_TWO, t));
}

function gammaByRecurrence(x) {
  const nearest = Math.round(x);
  const t = x - nearest;
  let product = 1;
  let low = 0;
  for (let step = Math.min(nearest, 2); step < Math.max(nearest, 2); step++) {
    const factor = t + step;
    low *= factor;
    const [exact, error] = twoProduct(product, factor);
    product = exact;
    low += error;
  }
  const whole = Math.exp(logGammaNearTwo(t));
  if (nearest < 2) {
    const quotient = whole / product;
    return quotient - quotient * (low / product);
  }
  return whole * product + whole * low;
}

function gamma(x) {
  if (x !== x || x === -Infinity) return NaN;
  if (x > 171.7) return Infinity;
  if (Math.abs(x) < 1e-17) return 1 / x;
  if (x % 1 === 0) return x > 0 ? factorial(x - 1) : NaN;
  if (-160 < x && x < 20) return gammaByRecurrence(x);
  if (x < -190) return modulo(Math.floor(x), 2) === 0 ? 0 : -0;
  const [whole, rest] = stirlingParts(Math.abs(x));
  return x > 0 ? whole * rest : Math.PI / (x * -sinPi(x)) / rest / whole;
}

function logGammaPositive(x) {
  if (x >= 10) {
    const series = polynomial(STIRLING, 1 / x / x) / x;
    return (x - 0.5) * (Math.log(x) - 1) + (HALF_LOG_TWO_PI_LESS_HALF + series);
  }
  if (x < 1.5) return logGammaNearTwo(x - 1) - Math.log1p(x - 1);
  let product = 1;
  let near = x;
  while (near > 2.5) {
    near -= 1;
    product *= near;
  }
  return logGammaNearTwo(near - 2) + Math.log(product);
}

function lgamma(x) {
  if (!Number.isFinite(x)) return Math.abs(x);
  if (x >= 0.5) return logGammaPositive(x);
  if (x % 1 === 0) return Infinity;
  if (x > -0.5) return logGammaNearTwo(x) - Math.log1p(x) - Math.log(Math.abs(x));
  return Math.log(Math.PI / Math.abs(x * sinPi(x))) - logGammaPositive(-x);
}

function digammaNearRoot(t) {
  const root = DIGAMMA_ROOT[0];
  const x = root + t;
  let slope = polynomial(DIGAMMA_PAST_ROOT, t);
  for (const k of [2, 1, 0]) slope += 1 / ((k + x) * (k + root));
  return t * slope;
}

function digammaPositive(x) {
  if (x >= 10) {
    const inverse = 1 / x;
    const tail = polynomial(DIGAMMA_ASYMPTOTIC, inverse * inverse) * inverse * inverse;
    return Math.log(x) - (0.5 * inverse + tail);
  }
  if (x < 1) {
    return digammaNearRoot(x - (DIGAMMA_ROOT[0] - 1) - DIGAMMA_ROOT[1]) - 1 / x;
  }
  let total = 0;
  let near = x;
  while (near >= 2) {
    near -= 1;
    total += 1 / near;
  }
  return total + digammaNearRoot(near - DIGAMMA_ROOT[0] - DIGAMMA_ROOT[1]);
}

function digamma(x) {
  if (x !== x || x === -Infinity) return NaN;
  if (Math.abs(x) < 1e-17) return -1 / x;
  if (x > 0) return digammaPositive(x);
  if (x % 1 === 0) return NaN;
  if (x > -0.5) {
    return digammaNearRoot(-x - (DIGAMMA_ROOT[0] - 1) - DIGAMMA_ROOT[1]) - piCotPi(x);
  }
  return digammaPositive(-x) - 1 / x - piCotPi(x);
}

function trigammaPositive(x) {
  let y = x;
  let shift = 0;
  while (y < 12) {
    shift += 1;
    y = x + shift;
  }
  let inverse = 1 / y;
  const tail = polynomial(TRIGAMMA_ASYMPTOTIC, inverse * inverse) * inverse;
  let total = inverse + inverse * inverse * (0.5 + tail);
  while (shift > 0) {
    shift -= 1;
    inverse = 1 / (x + shift);
    total += inverse * inverse;
  }
  return total;
}

function trigamma(x) {
  if (x !== x || x === -Infinity) return NaN;
  if (Math.abs(x) < 1e-160) return Infinity;
  if (x > 0) return trigammaPositive(x);
  if (x % 1 === 0) return Infinity;
  if (x > -1) return (1 / x) * (1 / x) + trigammaPositive(1 + x);
  const cosecant = Math.PI / sinPi(x);
  return cosecant * cosecant - trigammaPositive(1 - x);
}

function relativeHurwitzZeta(s, x) {
  const terms = [];
  let k = 0;
  for (; x + k < 10 + s; k++) {
    const term = Math.exp(-s * Math.log1p(k / x));
    terms.push(term);
    if (term < 1e-18) return exactSum(terms);
  }
  const y = x + k;
  let tail = y / (s - 1) + 0.5;
  let factor = s / y;
  EULER_MACLAURIN.forEach((coefficient, index) => {
    tail += coefficient * factor;
    factor *= ((s + 2 * index + 1) / y) * ((s + 2 * index + 2) / y);
  });
  terms.push(Math.exp(-s * Math.log1p(k / x)) * tail);
  return exactSum(terms);
}

function largeFactorialRoot(n, x) {
  const [nPart, nExponent] = splitExponent(n);
  const [xPart, xExponent] = splitExponent(x);
  let [divisor, divisorLow] = twoProduct(E[0], xPart);
  divisorLow += E[1] * xPart;
  const ratio = nPart / divisor;
  const [product, productLow] = twoProduct(ratio, divisor);
  const ratioLow = (nPart - product - productLow - ratio * divisorLow) / divisor;
  const root = scaled(ratio, nExponent - xExponent) ** (0.5 * n);
  const correction =
    Math.min(n * (ratioLow / ratio), 300) + polynomial(STIRLING, 1 / n / n) / n;
  return [root, Math.exp(correction) * ROOT_TWO_PI[0] * Math.sqrt(n)];
}

function factorialZeta(n, x) {
  if (x === Infinity) return 0;
  const zeta = relativeHurwitzZeta(n + 1, x);
  if (n > 170) {
    const [root, rest] = largeFactorialRoot(n, x);
    return root === Infinity ? Infinity : root * (rest * (zeta / x)) * root;
  }
  const root = x ** (-0.5 * (n + 1));
  if (root === Infinity) return Infinity;
  if (1e-140 < root && root < 1e140) return factorial(n) * zeta * x ** -(n + 1);
  return root * zeta * factorial(n) * root;
}

function factorialZetaNegative(n, x, odd) {
  const above = modulo(x, 1);
  const below = modulo(-x, 1);
  const beyond = factorialZeta(n, 1 - x);
  if (above === below && !odd) return beyond;
  const positive = factorialZeta(n, above);
  const negative = factorialZeta(n, below);
  if (odd) return negative < Infinity ? positive + negative - beyond : Infinity;
  if (positive === Infinity || negative === Infinity) return withSign(Infinity, below - above);
  return positive - (negative - beyond);
}

function polygamma(n, x) {
  if (!(n >= 0) || n % 1 !== 0) return NaN;
  if (n < 2) return n === 0 ? digamma(x) : trigamma(x);
  if (x !== x || x === -Infinity) return NaN;
  const odd = n % 2 === 1;
  const sign = odd ? 1 : -1;
  if (x > 0) return sign * factorialZeta(n, x);
  if (x % 1 === 0) return odd ? Infinity : NaN;
  return sign * factorialZetaNegative(n, x, odd);
}

Object.assign(primitive, {
  exp_square: expSquare,
  erf,
  erfc,
  normal_cdf: normalCdf,
  gamma,
  lgamma,
  digamma,
  polygamma,
});

/* What C's library lacks: the port of special.py, line by line, where the sources are given.
   The tables of coefficients (STIRLING and so on) are written from those of Python. */

#define POLYNOMIAL(table, point) polynomial(table, (int)(sizeof table / sizeof *table), point)

/* The sum, rounded once (Shewchuk, Adaptive precision floating-point arithmetic, 1997). */
static double exact_sum(int count, const double *values) {
  double parts[count];
  double special = 0.0;
  int length = 0;
  for (int k = 0; k < count; k++) {
    double x = values[k];
    if (!isfinite(x)) {
      special += x;
      continue;
    }
    int kept = 0;
    for (int j = 0; j < length; j++) {
      double y = parts[j];
      if (fabs(x) < fabs(y)) {
        double larger = y;
        y = x;
        x = larger;
      }
      double high = x + y;
      double low = y - (high - x);
      if (low != 0.0) parts[kept++] = low;
      x = high;
    }
    parts[kept++] = x;
    length = kept;
  }
  if (special != 0.0) return special; /* an infinity; or NaN, which differs from everything */
  double sum = length > 0 ? parts[--length] : 0.0;
  double low = 0.0;
  while (length > 0 && low == 0.0) {
    double x = sum;
    double y = parts[--length];
    sum = x + y;
    low = y - (sum - x);
  }
  double next = length > 0 ? parts[length - 1] : 0.0;
  if ((low < 0.0 && next < 0.0) || (low > 0.0 && next > 0.0)) { /* half-way: the rest decides */
    double twice = 2.0 * low;
    double rounded = sum + twice;
    if (twice == rounded - sum) sum = rounded;
  }
  return sum;
}

/* The sum divided by a number, also where a partial sum overflows although the whole does not. */
static double scaled_sum(int count, const double *values, double divisor) {
  double sum = exact_sum(count, values);
  if (isfinite(sum)) return sum / divisor;
  double smaller[count];
  for (int k = 0; k < count; k++) {
    if (!isfinite(values[k])) return sum / divisor;
    smaller[k] = ldexp(values[k], -64);
  }
  return ldexp(exact_sum(count, smaller) / divisor, 64);
}

/* The sum, rounded once. */
static double total(int count, const double *values) {
  return scaled_sum(count, values, 1.0);
}

/* The mean, its sum rounded once. */
static double mean(int count, const double *values) {
  return scaled_sum(count, values, (double)count);
}

/* The smallest value; NaN if there is one. */
static double smallest(int count, const double *values) {
  double found = values[0];
  for (int k = 1; k < count; k++)
    if (values[k] < found || values[k] != values[k]) found = values[k];
  return found;
}

/* The largest value; NaN if there is one. */
static double largest(int count, const double *values) {
  double found = values[0];
  for (int k = 1; k < count; k++)
    if (values[k] > found || values[k] != values[k]) found = values[k];
  return found;
}

/* The value number `index`, counted from 0; NaN if there is none. */
static double pick(double index, int count, const double *values) {
  return index >= 0.0 && index < count && index == floor(index) ? values[(int)index] : NAN;
}

/* How many values equal `out`. */
static int ties(double out, int count, const double *values) {
  int found = 0;
  for (int k = 0; k < count; k++) found += values[k] == out;
  return found;
}

/* log(sum(exp(value))): the largest + log1p of the others relative to it. */
static double logsumexp(int count, const double *values) {
  double others[count];
  int place = 0;
  for (int k = 0; k < count; k++) {
    if (values[k] != values[k]) return NAN;
    if (values[k] > values[place]) place = k;
  }
  if (isinf(values[place])) return values[place];
  for (int k = 0; k < count; k++)
    others[k] = k == place ? 0.0 : exp(values[k] - values[place]);
  return values[place] + log1p(exact_sum(count, others));
}

/* exp(c x^2), the square carried in two parts so that Gaussian tails keep their digits. */
static double exp_square(double x, double c) {
  if (!(isfinite(x) && isfinite(c))) {
    double product = c * x * x;
    return product == -INFINITY ? 0.0 : product;
  }
  int x_exponent, c_exponent;
  double x_part = frexp(x, &x_exponent);
  double c_part = frexp(c, &c_exponent);
  double square = x_part * x_part;
  double high = c_part * square;
  double low = fma(c_part, square, -high) + c_part * fma(x_part, x_part, -square);
  int exponent = 2 * x_exponent + c_exponent;
  if (high == 0.0 || exponent < -60) return 1.0;
  if (exponent > 13) return high > 0.0 ? INFINITY : 0.0;
  double power = exp(ldexp(high, exponent));
  return isinf(power) ? power : power + power * ldexp(low, exponent);
}

/* The standard normal distribution function (Abramowitz & Stegun 26.2.29). */
static double normal_cdf(double x) {
  const double root_half = 0.7071067811865476, root_half_low = -4.833646656726457e-17;
  if (!(fabs(x) < 40.0)) return x != x ? x : (x > 0.0 ? 1.0 : 0.0);
  double high = -x * root_half;
  double low = fma(-x, root_half, -high) - x * root_half_low;
  return 0.5 * (erfc(high) - 1.1283791670955126 * exp(-high * high) * low);
}

static double polynomial(const double *coefficients, int count, double point) {
  double sum = 0.0;
  for (int k = count - 1; k >= 0; k--) sum = sum * point + coefficients[k];
  return sum;
}

/* sin(pi x). */
static double sin_pi(double x) {
  const double pi = 3.141592653589793, pi_low = 1.2246467991473532e-16;
  double reduced = remainder(x, 2.0);
  if (fabs(reduced) > 0.5) reduced = copysign(1.0, reduced) - reduced;
  double angle = pi * reduced;
  double low = fma(pi, reduced, -angle) + pi_low * reduced;
  return sin(angle) + low * cos(angle);
}

/* pi cot(pi x). */
static double pi_cot_pi(double x) {
  const double pi = 3.141592653589793;
  double reduced = remainder(x, 1.0);
  if (fabs(reduced) <= 0.25) return pi / tan(pi * reduced);
  return copysign(pi * tan(pi * (0.5 - fabs(reduced))), reduced);
}

/* n!, carried in two parts and rounded once. */
static double factorial(double n) {
  double product = 1.0, low = 0.0;
  for (double k = 2.0; k <= n; k++) {
    double next = product * k;
    low = low * k + fma(product, k, -next);
    product = next;
  }
  return product + low;
}

/* Two finite factors of gamma(x) for 20 <= x <= 190 (DLMF 5.11.1). */
static double stirling_parts(double x, double *rest) {
  double correction = expm1(POLYNOMIAL(STIRLING, 1.0 / (x * x)) / x);
  *rest = 2.5066282746310007 * exp(-x);
  *rest += *rest * (correction + -7.312045493924427e-17);
  if (x < 140.0) return pow(x, x - 0.5);
  double root = pow(x, 0.5 * x - 0.25);
  *rest *= root;
  return root;
}

/* lgamma(2 + t) for |t| <= 1/2 (DLMF 5.7.3). */
static double log_gamma_near_two(double t) {
  return t * (0.42278433509846713 + t * POLYNOMIAL(LOG_GAMMA_AT_TWO, t));
}

/* gamma(x) for -160 < x < 20, from gamma(2 + t) with |t| <= 1/2 (DLMF 5.5.1 and 5.7.3). */
static double gamma_by_recurrence(double x) {
  double nearest = rint(x);
  double t = x - nearest;
  double product = 1.0, low = 0.0;
  for (double step = fmin(nearest, 2.0); step < fmax(nearest, 2.0); step++) {
    double factor = t + step;
    double next = product * factor;
    low = low * factor + fma(product, factor, -next);
    product = next;
  }
  double value = exp(log_gamma_near_two(t));
  if (nearest < 2.0) {
    double quotient = value / product;
    return quotient - quotient * (low / product);
  }
  return value * product + value * low;
}

/* Euler's gamma function (DLMF 5.11.1, 5.5.1, 5.5.3). */
static double gamma_function(double x) {
  if (x != x || x == -INFINITY) return NAN;
  if (x > 171.7) return INFINITY;
  if (fabs(x) < 1e-17) return 1.0 / x;
  if (x == floor(x)) return x > 0.0 ? factorial(x - 1.0) : NAN;
  if (-160.0 < x && x < 20.0) return gamma_by_recurrence(x);
  if (x < -190.0) return fmod(floor(x), 2.0) == 0.0 ? 0.0 : -0.0;
  double rest;
  double power = stirling_parts(fabs(x), &rest);
  return x > 0.0 ? power * rest : 3.141592653589793 / (x * -sin_pi(x)) / rest / power;
}

/* log(gamma(x)) for x >= 1/2. */
static double log_gamma_positive(double x) {
  if (x >= 10.0) {
    double series = POLYNOMIAL(STIRLING, 1.0 / x / x) / x;
    return (x - 0.5) * (log(x) - 1.0) + (0.4189385332046727 + series);
  }
  if (x < 1.5) return log_gamma_near_two(x - 1.0) - log1p(x - 1.0);
  double product = 1.0;
  while (x > 2.5) {
    x -= 1.0;
    product *= x;
  }
  return log_gamma_near_two(x - 2.0) + log(product);
}

/* log|gamma(x)| (DLMF 5.11.1, 5.7.3, 5.5.3). */
static double log_gamma(double x) {
  if (!isfinite(x)) return fabs(x);
  if (x >= 0.5) return log_gamma_positive(x);
  if (x == floor(x)) return INFINITY;
  if (x > -0.5) return log_gamma_near_two(x) - log1p(x) - log(fabs(x));
  return log(3.141592653589793 / fabs(x * sin_pi(x))) - log_gamma_positive(-x);
}

/* digamma(root + t) for -1/2 < t < 0.54 (DLMF 5.7.6). */
static double digamma_near_root(double t) {
  const double root = 1.4616321449683622;
  double slope = POLYNOMIAL(DIGAMMA_PAST_ROOT, t);
  for (double k = 2.0; k >= 0.0; k--) slope += 1.0 / ((k + (root + t)) * (k + root));
  return t * slope;
}

/* digamma(x) for x > 0. */
static double digamma_positive(double x) {
  const double root = 1.4616321449683622, root_low = 9.549995429965697e-17;
  if (x >= 10.0) {
    double inverse = 1.0 / x;
    double tail = POLYNOMIAL(DIGAMMA_ASYMPTOTIC, inverse * inverse) * inverse * inverse;
    return log(x) - (0.5 * inverse + tail);
  }
  if (x < 1.0) return digamma_near_root((x - (root - 1.0)) - root_low) - 1.0 / x;
  double sum = 0.0;
  while (x >= 2.0) {
    x -= 1.0;
    sum += 1.0 / x;
  }
  return sum + digamma_near_root((x - root) - root_low);
}

/* The logarithmic derivative of gamma (DLMF 5.11.2, 5.5.2, 5.5.4). */
static double digamma(double x) {
  const double root = 1.4616321449683622, root_low = 9.549995429965697e-17;
  if (x != x || x == -INFINITY) return NAN;
  if (fabs(x) < 1e-17) return -1.0 / x;
  if (x > 0.0) return digamma_positive(x);
  if (x == floor(x)) return NAN;
  if (x > -0.5) return digamma_near_root((-x - (root - 1.0)) - root_low) - pi_cot_pi(x);
  return (digamma_positive(-x) - 1.0 / x) - pi_cot_pi(x);
}

/* trigamma(x) for x > 0 (Abramowitz & Stegun 6.4.12 after 6.4.6). */
static double trigamma_positive(double x) {
  double y = x;
  int shift = 0;
  while (y < 12.0) {
    shift += 1;
    y = x + shift;
  }
  double inverse = 1.0 / y;
  double tail = POLYNOMIAL(TRIGAMMA_ASYMPTOTIC, inverse * inverse) * inverse;
  double sum = inverse + inverse * inverse * (0.5 + tail);
  while (shift > 0) {
    shift -= 1;
    inverse = 1.0 / (x + shift);
    sum += inverse * inverse;
  }
  return sum;
}

/* The derivative of digamma (Abramowitz & Stegun 6.4.12, 6.4.6, 6.4.7). */
static double trigamma(double x) {
  if (x != x || x == -INFINITY) return NAN;
  if (fabs(x) < 1e-160) return INFINITY;
  if (x > 0.0) return trigamma_positive(x);
  if (x == floor(x)) return INFINITY;
  if (x > -1.0) return (1.0 / x) * (1.0 / x) + trigamma_positive(1.0 + x);
  double cosecant = 3.141592653589793 / sin_pi(x);
  return cosecant * cosecant - trigamma_positive(1.0 - x);
}

/* x^s zeta(s, x) for s >= 3 and x > 0 (DLMF 2.10.1, Euler-Maclaurin). */
static double relative_hurwitz_zeta(double s, double x) {
  double sum = 0.0, lost = 0.0, k = 0.0, term;
  for (; x + k < 10.0 + s; k++) {
    term = exp(-s * log1p(k / x));
    double before = sum;
    sum += term;
    lost += term - (sum - before);
    if (term < 1e-18) return sum + lost;
  }
  double y = x + k;
  double tail = y / (s - 1.0) + 0.5;
  double factor = s / y;
  for (int j = 0; j < (int)(sizeof EULER_MACLAURIN / sizeof *EULER_MACLAURIN); j++) {
    tail += EULER_MACLAURIN[j] * factor;
    factor *= (s + 2 * j + 1) / y * ((s + 2 * j + 2) / y);
  }
  term = exp(-s * log1p(k / x)) * tail;
  double larger = fmax(sum, term), smaller = fmin(sum, term);
  sum = larger + smaller;
  return sum + (lost + (smaller - (sum - larger)));
}

/* root and rest with n! x^-(n+1) = root * rest * root / x for n > 170 (DLMF 5.11.1). */
static double large_factorial_root(double n, double x, double *rest) {
  const double e = 2.718281828459045, e_low = 1.4456468917292502e-16;
  int n_exponent, x_exponent;
  double n_part = frexp(n, &n_exponent);
  double x_part = frexp(x, &x_exponent);
  double divisor = e * x_part;
  double divisor_low = fma(e, x_part, -divisor) + e_low * x_part;
  double ratio = n_part / divisor;
  double ratio_low = (fma(-ratio, divisor, n_part) - ratio * divisor_low) / divisor;
  double correction = fmin(n * (ratio_low / ratio), 300.0) + POLYNOMIAL(STIRLING, 1.0 / n / n) / n;
  *rest = exp(correction) * 2.5066282746310007 * sqrt(n);
  return pow(ldexp(ratio, n_exponent - x_exponent), 0.5 * n);
}

/* n! zeta(n + 1, x), which is |psi^(n)(x)|, for n >= 2 and x > 0. */
static double factorial_zeta(double n, double x) {
  if (x == INFINITY) return 0.0;
  double zeta = relative_hurwitz_zeta(n + 1.0, x);
  double rest;
  if (n > 170.0) {
    double root = large_factorial_root(n, x, &rest);
    return isinf(root) ? INFINITY : root * (rest * (zeta / x)) * root;
  }
  double root = pow(x, -0.5 * (n + 1.0));
  if (isinf(root)) return INFINITY;
  if (1e-140 < root && root < 1e140) return factorial(n) * zeta * pow(x, -(n + 1.0));
  return root * zeta * factorial(n) * root;
}

/* n! times the sum of (x + k)^-(n+1) over k >= 0, for a negative x that is not whole. */
static double factorial_zeta_negative(double n, double x, int odd) {
  double above = x - floor(x), below = -x - floor(-x);
  double beyond = factorial_zeta(n, 1.0 - x);
  if (above == below && !odd) return beyond;
  double positive = factorial_zeta(n, above);
  double negative = factorial_zeta(n, below);
  if (odd) return negative < INFINITY ? positive + negative - beyond : INFINITY;
  if (isinf(positive) || isinf(negative)) return copysign(INFINITY, below - above);
  return positive - (negative - beyond);
}

/* The n-th derivative of digamma (Abramowitz & Stegun 6.4.10). */
static double polygamma(double n, double x) {
  if (!(n >= 0.0) || n != floor(n)) return NAN;
  if (n < 2.0) return n == 0.0 ? digamma(x) : trigamma(x);
  if (x != x || x == -INFINITY) return NAN;
  int odd = fmod(n, 2.0) == 1.0;
  double sign = odd ? 1.0 : -1.0;
  if (x > 0.0) return sign * factorial_zeta(n, x);
  if (x == floor(x)) return odd ? INFINITY : NAN;
  return sign * factorial_zeta_negative(n, x, odd);
}

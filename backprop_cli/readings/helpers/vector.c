/* Exponentials in straight lines: no branch, no call, so that a loop over them can become vector
   instructions. x = k log(2) + r with |r| <= log(2)/2, the rounding of r being made harmless by a
   log(2) in two parts (Cody & Waite, Software Manual for the Elementary Functions, 1980), and
   exp(r) - 1 by its Taylor series. At most 2 ulp from the exact result. */

/* A number whose last bits count in whole steps; 1023 more, so that they are the exponent of 2^k. */
#define COUNTING (0x1.8p52 + 1023.0)

/* 2^k for a k that was counted. */
static double power_of_two(double counted) {
  uint64_t bits;
  double power;
  memcpy(&bits, &counted, sizeof bits);
  bits <<= 52;
  memcpy(&power, &bits, sizeof power);
  return power;
}

/* exp(r) - 1 for |r| <= log(2)/2. */
static double small_expm1(double r) {
  double sum = 1.0 / 6227020800.0;
  sum = sum * r + 1.0 / 479001600.0;
  sum = sum * r + 1.0 / 39916800.0;
  sum = sum * r + 1.0 / 3628800.0;
  sum = sum * r + 1.0 / 362880.0;
  sum = sum * r + 1.0 / 40320.0;
  sum = sum * r + 1.0 / 5040.0;
  sum = sum * r + 1.0 / 720.0;
  sum = sum * r + 1.0 / 120.0;
  sum = sum * r + 1.0 / 24.0;
  sum = sum * r + 1.0 / 6.0;
  return r + r * r * (0.5 + r * sum);
}

/* k, and exp(r) - 1, of x = k log(2) + r. */
static double reduced_expm1(double x, double *k) {
  *k = (x * 0x1.71547652b82fep0 + COUNTING) - COUNTING;
  return small_expm1((x - *k * 0x1.62e42feep-1) - *k * 0x1.a39ef35793c76p-33);
}

/* 2^shift exp(x) for a shift near 0, denormals too: the scale is applied in two steps. */
static double scaled_exp(double x, double shift) {
  double k, above = x < -746.0 ? -746.0 : x, within = above > 711.0 ? 711.0 : above;
  double rest = reduced_expm1(within, &k);
  double half = k * 0.5 + COUNTING;
  double other = (k + shift) - (half - COUNTING) + COUNTING;
  return (1.0 + rest) * power_of_two(half) * power_of_two(other);
}

static double fast_exp(double x) { return scaled_exp(x, 0.0); }

static double fast_expm1(double x) {
  double k, above = x < -746.0 ? -746.0 : x, within = above > 711.0 ? 711.0 : above;
  double rest = reduced_expm1(within, &k);
  double half = k * 0.5 + COUNTING;
  double other = k - (half - COUNTING);
  double scale = power_of_two(half), unscale = power_of_two(COUNTING - other);
  return (scale * rest + (scale - unscale)) * power_of_two(other + COUNTING);
}

static double fast_cosh(double x) {
  double half = scaled_exp(fabs(x), -1.0);
  return half + 0.25 / half;
}

/* t/(t + 2) with t = exp(2|x|) - 1. */
static double fast_tanh(double x) {
  double k, twice = fabs(x) > 22.0 ? 44.0 : 2.0 * fabs(x);
  double rest = reduced_expm1(twice, &k);
  double scale = power_of_two(k + COUNTING);
  double t = scale * rest + (scale - 1.0);
  return x != x ? x : copysign(t / (t + 2.0), x);
}

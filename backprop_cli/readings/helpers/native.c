/* What Python's own functions, and the interpreter, do otherwise than those of C's library. */

/* The largest integer not above x; Python's has no -0. */
static double floor_of(double x) { return floor(x) + 0.0; }

/* The smallest integer not below x; Python's has no -0. */
static double ceil_of(double x) { return ceil(x) + 0.0; }

/* The larger of two; NaN if one is. */
static double larger(double x, double y) { return x != x ? x : y > x || y != y ? y : x; }

/* The smaller of two; NaN if one is. */
static double smaller(double x, double y) { return x != x ? x : y < x || y != y ? y : x; }

/* x^y; a square as x*x, which is rounded once, whereas pow may be off by a bit. */
static double power_of(double x, double y) { return y == 2.0 ? x * x : pow(x, y); }

/* sqrt(x^2 + y^2): the root of the sum of the squares in two parts, corrected once, as math.hypot
   of Python (Borges, Algorithm 1014: An Improved Algorithm for hypot(x, y), 2020). */
static double hypotenuse(double x, double y) {
  double large = fabs(x), small = fabs(y);
  if (isinf(large) || isinf(small)) return INFINITY;
  if (large != large || small != small) return NAN;
  if (large < small) {
    double other = large;
    large = small;
    small = other;
  }
  if (small == 0.0) return large;
  int exponent;
  frexp(large, &exponent);
  double a = ldexp(large, -exponent), b = ldexp(small, -exponent);
  double first = a * a, second = b * b;
  double sum = first + second;
  double lost = (second - (sum - first)) + (fma(a, a, -first) + fma(b, b, -second));
  double root = sqrt(sum + lost);
  double square = root * root;
  double rest = (sum - square) - fma(root, root, -square) + lost;
  return ldexp(root + rest / (2.0 * root), exponent);
}

/* The sum as Python adds floats from 3.12 on (Neumaier, Rundungsfehleranalyse, 1974). */
static double compensated(int count, const double *values) {
  double sum = 0.0, lost = 0.0;
  for (int k = 0; k < count; k++) {
    double x = values[k], next = sum + x;
    lost += fabs(sum) >= fabs(x) ? (sum - next) + x : (x - next) + sum;
    sum = next;
  }
  return lost != 0.0 && isfinite(lost) ? sum + lost : sum;
}

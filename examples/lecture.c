// x = a + b
// y = b + c
// f = x*y
//
// f and its gradient by reverse mode (backpropagation), written by backprop.
// Compile and run it (cc FILE -lm && ./a.out) to compare its numbers with those of backprop grad at
// the point asked for.
// -DBACKPROP_NO_MAIN leaves that program out.

#include <math.h>

// Returns f; gradient becomes df/da, df/db, df/dc.
double f_and_gradient(double a, double b, double c, double gradient[3])
{
  // Forward: the value of each node.
  double x = a + b;
  double y = b + c;
  double f = x*y;

  // Backward: upstream * local slope, added up where paths meet.
  double d_f = 1.0;    // df/df = 1
  double d_x = d_f*y;  // df/dx = df/df * df/dx
  double d_y = d_f*x;  // df/dy = df/df * df/dy
  double d_b = d_y;    // df/db = df/dy * dy/db
  double d_c = d_y;    // df/dc = df/dy * dy/dc
  double d_a = d_x;    // df/da = df/dx * dx/da
  d_b += d_x;          // df/db += df/dx * dx/db

  gradient[0] = d_a;
  gradient[1] = d_b;
  gradient[2] = d_c;
  return f;
}

#ifndef BACKPROP_NO_MAIN
#include <stdio.h>

/* Say so, and return 1, if a number is further from backprop's than rounding may move it. */
static int differs(const char *name, double found, double expected, double allowed)
{
  int both_undefined = found != found && expected != expected;
  if (found == expected || fabs(found - expected) <= allowed || both_undefined) return 0;
  printf("%s = %.17g, expected %.17g\n", name, found, expected);
  return 1;
}

int main(void)
{
  double value, gradient[3];
  int wrong = 0;

  value = f_and_gradient(2.0, -3.0, 4.0, gradient);
  wrong += differs("f", value, -1.0, 1e-09);
  wrong += differs("df/da", gradient[0], 1.0, 1e-09);
  wrong += differs("df/db", gradient[1], 0.0, 0.0);
  wrong += differs("df/dc", gradient[2], -1.0, 1e-09);

  if (wrong == 0) puts("The value and the gradient are those of backprop.");
  return wrong > 0;
}
#endif

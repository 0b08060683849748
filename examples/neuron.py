"""z = w0*x0 + w1*x1 + w2
f = sigmoid(z)

f and its gradient by reverse mode (backpropagation), written by backprop.
Run it to compare its numbers with those of backprop grad at the point asked for.
"""

import math
import sys


def exp(x: float) -> float:
    """Return e^x; infinite where it overflows."""
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def sigmoid(x):
    """logistic sigmoid, 1/(1 + exp(-x))"""
    if x >= 0.0:
        return 1.0/(1.0 + exp(-x))
    return exp(x)/(1.0 + exp(x))


def f_and_gradient(w0, x0, w1, x1, w2):
    """Return f and its gradient: {"w0": df/dw0, ...}."""
    # Forward: the value of each node.
    v1 = w0*x0
    v2 = w1*x1
    v3 = v1 + v2
    z = v3 + w2
    f = sigmoid(z)

    # Backward: upstream * local slope, added up where paths meet.
    d_f = 1.0                           # df/df = 1
    d_z = d_f*(sigmoid(z)*sigmoid(-z))  # df/dz = df/df * df/dz
    d_v3 = d_z                          # df/dv3 = df/dz * dz/dv3
    d_w2 = d_z                          # df/dw2 = df/dz * dz/dw2
    d_v1 = d_v3                         # df/dv1 = df/dv3 * dv3/dv1
    d_v2 = d_v3                         # df/dv2 = df/dv3 * dv3/dv2
    d_w1 = d_v2*x1                      # df/dw1 = df/dv2 * dv2/dw1
    d_x1 = d_v2*w1                      # df/dx1 = df/dv2 * dv2/dx1
    d_w0 = d_v1*x0                      # df/dw0 = df/dv1 * dv1/dw0
    d_x0 = d_v1*w0                      # df/dx0 = df/dv1 * dv1/dx0

    return f, {"w0": d_w0, "x0": d_x0, "w1": d_w1, "x1": d_x1, "w2": d_w2}


def differs(name, found, expected, allowed):
    """Say so if a number is further from backprop's than rounding may move it."""
    both_undefined = found != found and expected != expected
    if found == expected or abs(found - expected) <= allowed or both_undefined:
        return False
    print(f"{name} = {found!r}, expected {expected!r}")
    return True


def check():
    """Return how many numbers are not those of backprop."""
    wrong = 0

    value, gradient = f_and_gradient(2.0, -1.0, -3.0, -2.0, -3.0)
    wrong += differs("f", value, 0.7310585786300049, 7e-10)
    wrong += differs("df/dw0", gradient["w0"], -0.19661193324148185, 2e-10)
    wrong += differs("df/dx0", gradient["x0"], 0.3932238664829637, 4e-10)
    wrong += differs("df/dw1", gradient["w1"], -0.3932238664829637, 4e-10)
    wrong += differs("df/dx1", gradient["x1"], -0.5898357997244456, 6e-10)
    wrong += differs("df/dw2", gradient["w2"], 0.19661193324148185, 2e-10)
    return wrong


if __name__ == "__main__":
    if check():
        sys.exit(1)
    print("The value and the gradient are those of backprop.")

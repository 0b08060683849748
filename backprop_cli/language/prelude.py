"""Functions written in the language itself.

They expand into ordinary nodes, so their steps show in every table, and they need no rules of
their own. `p` is a prediction, `t` its target.
"""

PRELUDE: dict[str, tuple[str, str]] = {
    "sec": ("sec(x) = 1/cos(x)", "secant"),
    "csc": ("csc(x) = 1/sin(x)", "cosecant"),
    "cot": ("cot(x) = cos(x)/sin(x)", "cotangent"),
    "exp2": ("exp2(x) = 2^x", "2 to the power x"),
    "selu": (
        "selu(x) = 1.0507009873554805*elu(x, 1.6732632423543772)",
        "self-normalising exponential linear unit",
    ),
    "maxout": ("maxout(z...) = max(z...)", "the largest of its arguments"),
    "mse": ("mse(p, t) = (p - t)^2", "squared error of one prediction; mean(...) averages several"),
    "hinge": ("hinge(p, t) = relu(1 - t*p)", "hinge loss of a score, target -1 or 1"),
    "bce": (
        "bce(p, t) = -(t*log(p) + (1 - t)*log1p(-p))",
        "binary cross-entropy of a probability",
    ),
    "bce_logits": (
        "bce_logits(z, t) = t*softplus(-z) + (1 - t)*softplus(z)",
        "binary cross-entropy of a logit, without overflow",
    ),
    "cross_entropy": (
        "cross_entropy(k, z...) = logsumexp(z...) - pick(k, z...)",
        "softmax cross-entropy of the logits z against class k, counted from 0",
    ),
    "huber": (
        "huber(p, t, delta=1) = where(abs(p - t) <= delta,"
        " (p - t)^2/2, delta*(abs(p - t) - delta/2))",
        "squared error near the target, absolute error away from it",
    ),
    "normal_pdf": (
        "normal_pdf(x, mu=0, sigma=1) = exp_square((x - mu)/sigma, -1/2)/(sigma*sqrt(2*pi))",
        "density of the normal distribution",
    ),
    "lerp": ("lerp(a, b, t) = a + t*(b - a)", "linear interpolation from a to b"),
}
"""The definition and one line of help of each function of the prelude, by name."""

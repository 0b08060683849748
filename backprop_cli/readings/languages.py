"""The six languages of exported code, as data: how each spells what the table computes."""

import keyword
from collections.abc import Mapping

from backprop_cli.readings.target import Language

_CIRCULAR = ("sin", "cos", "tan", "sinh", "cosh", "tanh")
_INVERSE = ("asin", "acos", "atan", "atan2", "asinh", "acosh", "atanh")
_LOGARITHMS = ("exp", "expm1", "log", "log2", "log10", "log1p", "sqrt", "cbrt", "hypot")
_EVERYWHERE = (*_CIRCULAR, *_INVERSE, *_LOGARITHMS)
_PYTHONS_OWN = ("atan", "atan2", "asinh", "tanh", "hypot", "cbrt", "erf", "erfc")
_COLLECTED = {
    "min": "smallest", "max": "largest", "sum": "total", "mean": "mean", "pick": "pick",
    "logsumexp": "logsumexp", "ties": "ties",
}  # fmt: skip
_GAMMA = ("gamma", "lgamma", "digamma", "polygamma")
_SPECIAL = ("exp_square", "normal_cdf", *_GAMMA)
_PYTHON_WORDS = frozenset((*keyword.kwlist, "__debug__", "math", "map"))

_PYTHON = Language(
    name="python",
    endings=(".py",),
    comment="# ",
    calls={
        **{name: name for name in (*_EVERYWHERE, "floor", "ceil")},
        **{name: f"math.{name}" for name in _PYTHONS_OWN},
        **{name: name for name in _SPECIAL},
        **_COLLECTED,
        "abs": "abs",
        "div": "divide",
        "pow": "power",
    },
    helpers=("helpers/scalars.py", "special.py"),
    reserved=_PYTHON_WORDS,
)


def _words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


def _of_arrays(module: str) -> dict[str, str]:
    """Return the calls that numpy and jax.numpy share."""
    return {
        **{name: f"{module}.{name}" for name in (*_CIRCULAR, *_LOGARITHMS, "floor", "ceil")},
        **{name: f"{module}.{name.replace('a', 'arc', 1)}" for name in _INVERSE},
        **_COLLECTED,
        "abs": f"{module}.abs",
        "pow": f"{module}.power",
        "square": f"{module}.square",
        "where": f"{module}.where",
    }


_NUMPY = _PYTHON._replace(
    name="numpy",
    calls={
        **_of_arrays("np"),
        **{name: f"elementwise({name})" for name in _SPECIAL[1:]},
        "exp_square": "exp_square",
        "erf": "elementwise(math.erf)",
        "erfc": "elementwise(math.erfc)",
    },
    helpers=("helpers/elements.py", "special.py"),
    reserved=_PYTHON_WORDS | {"np"},
    choice="np.where({0}, {1}, {2})",
    choice_binds=False,
    negation="~{0}",
    both="{0} & {1}",
    either="{0} | {1}",
    nan="np.nan",
    infinity="np.inf",
    add="{0} = {0} + {1}",
    seed="np.ones_like({0})",
    zero="np.zeros_like({0})",
    arrays=True,
    early="",
)

_JAX = _NUMPY._replace(
    name="jax",
    calls={
        **_of_arrays("jnp"),
        **{name: f"elementwise({name})" for name in _GAMMA},
        "sinh": "sinh",
        "cosh": "cosh",
        "exp_square": "exp_square",
        "normal_cdf": "jax.scipy.special.ndtr",
        "erf": "jax.scipy.special.erf",
        "erfc": "jax.scipy.special.erfc",
    },
    helpers=("helpers/traced.py", "helpers/elements.py", "special.py"),
    reserved=_PYTHON_WORDS | {"jax", "jnp"},
    numpy="jnp",
    choice="jnp.where({0}, {1}, {2})",
    nan="jnp.nan",
    infinity="jnp.inf",
    seed="jnp.ones_like({0})",
    zero="jnp.zeros_like({0})",
)

_SAME_IN_TORCH = (*_CIRCULAR, *(name for name in _INVERSE if name != "atan2"))

_TORCH = _NUMPY._replace(
    name="torch",
    calls={
        **{name: f"torch.{name}" for name in (*_SAME_IN_TORCH, *_LOGARITHMS, "floor", "ceil")},
        **_COLLECTED,
        **{name: name for name in ("cbrt", "hypot", "atan2", "exp_square")},
        **{name: f"elementwise({name})" for name in _GAMMA},
        "abs": "torch.abs",
        "pow": "power",
        "square": "torch.square",
        "where": "choose",
        "erf": "torch.erf",
        "erfc": "torch.erfc",
        "normal_cdf": "normal_cdf",
    },
    helpers=("helpers/tensors.py", "special.py"),
    reserved=_PYTHON_WORDS | {"torch", "tensor"},
    choice="choose({0}, {1}, {2})",
    nan="math.nan",
    infinity="math.inf",
    seed="torch.ones_like({0})",
    zero="torch.zeros_like(tensor({0}))",
    known="tensor({0})",
)

_C = Language(
    name="c",
    endings=(".c",),
    comment="// ",
    calls={
        **{name: name for name in (*_EVERYWHERE, "floor", "ceil", "erf", "erfc")},
        **{name: name for name in _SPECIAL},
        **_COLLECTED,
        "abs": "fabs",
        "pow": "pow",
        "gamma": "gamma_function",
        "lgamma": "log_gamma",
    },
    helpers=("helpers/special.c",),
    reserved=_words(
        "auto break case char const continue default do double else enum extern float for goto if"
        " inline int long register restrict return short signed sizeof static struct switch"
        " typedef union unsigned void volatile while bool true false nullptr alignas alignof"
        " constexpr static_assert thread_local typeof typeof_unqual asm fortran linux unix i386"
        " NAN INFINITY HUGE_VAL HUGE_VALF HUGE_VALL FP_NAN FP_INFINITE FP_ZERO FP_SUBNORMAL"
        " FP_NORMAL FP_ILOGB0 FP_ILOGBNAN FP_FAST_FMA MATH_ERRNO MATH_ERREXCEPT NULL EOF BUFSIZ"
        " FILENAME_MAX FOPEN_MAX TMP_MAX SEEK_SET SEEK_CUR SEEK_END stdin stdout stderr errno M_E"
        " M_LOG2E M_LOG10E M_LN2 M_LN10 M_PI M_PI_2 M_PI_4 M_1_PI M_2_PI M_2_SQRTPI M_SQRT2"
        " M_SQRT1_2 MAXFLOAT DOMAIN SING OVERFLOW UNDERFLOW PLOSS TLOSS X_TLOSS HUGE signgam"
        " L_tmpnam L_ctermid P_tmpdir isnan isinf isfinite isnormal signbit fpclassify isgreater"
        " isgreaterequal isless islessequal islessgreater isunordered math_errhandling gradient"
        " POLYNOMIAL"
    ),
    listed=frozenset(_COLLECTED.values()),
    listing="{1}, (const double[]){{{0}}}",
    choice="{0} ? {1} : {2}",
    negation="!{0}",
    both="{0} && {1}",
    either="{0} || {1}",
    nan="NAN",
    infinity="INFINITY",
    define="double {0} = {1};",
    define_test="int {0} = {1};",
    begin_sum="double {0} = {1};",
    add="{0} += {1};",
    function="/* {2} */\nstatic double {0}({1}) {{\n{3}\n}}",
    early="  if ({0}) return {1};",
    final="  return {0};",
    argument="double {0}",
    ascii_names=True,
)

_JS = _C._replace(
    name="js",
    endings=(".js", ".cjs"),
    calls={
        **{name: f"Math.{name}" for name in (*_EVERYWHERE, "floor", "ceil", "abs", "min", "max")},
        "pow": "power",
        "sum": "scaledSum",
        "mean": "meanOf",
        "logsumexp": "logSumExp",
        "pick": "pick",
        "ties": "ties",
        "exp_square": "expSquare",
        "erf": "erf",
        "erfc": "erfc",
        "normal_cdf": "normalCdf",
        **{name: name for name in ("gamma", "lgamma", "digamma", "polygamma")},
    },
    helpers=("helpers/lists.js", "primitives.js", "special.js"),
    reserved=_words(
        "arguments await break case catch class const continue debugger default delete do else"
        " enum eval export extends false finally for function if implements import in instanceof"
        " interface let new null package private protected public return static super switch this"
        " throw true try typeof var void while with yield NaN Infinity undefined Math Number"
        " __proto__"
    ),
    listed=frozenset(("scaledSum", "meanOf", "logSumExp", "pick", "ties")),
    listing="[{0}]",
    equal="===",
    different="!==",
    nan="NaN",
    infinity="Infinity",
    whole="{0}",
    define="const {0} = {1};",
    define_test="const {0} = {1};",
    begin_sum="let {0} = {1};",
    seed="1",
    zero="0",
    function="// {2}\nfunction {0}({1}) {{\n{3}\n}}",
    argument="{0}",
    ascii_names=False,
)

LANGUAGES: Mapping[str, Language] = {
    language.name: language for language in (_PYTHON, _NUMPY, _JAX, _TORCH, _C, _JS)
}
"""Every language that code can be exported to, by the name that `--to` takes."""

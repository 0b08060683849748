"""What NumPy's arrays hold, by name: the types of many rows at once.

This file imports NumPy, so where that may be missing it is imported for type checkers only.
"""

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]
"""A number for each row."""

Mask = NDArray[np.bool_]
"""Whether something holds in each row."""

Codes = NDArray[np.int8]
"""The code of a flag for each row (`studies/table/flags.py`)."""

RowNumbers = NDArray[np.intp]
"""Which rows are meant, counted from 0."""

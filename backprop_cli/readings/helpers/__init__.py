"""Helpers of exported code: functions that a target lacks, or has without IEEE results.

Each lives here once, as source of its target, and is printed into an exported file when it is
used. The special functions are those of `readings/special.py`, whose source serves Python and
NumPy and whose tables of coefficients serve all; JavaScript's are those of the HTML page.
"""

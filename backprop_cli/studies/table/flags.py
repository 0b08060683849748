"""What may be said of a row of a table, in a word or as a code."""

FLAGS = ("", "kink", "jump", "undefined", "not-finite")
"""What may be said of a row; the code of a flag is its place here."""

CODE = {flag: code for code, flag in enumerate(FLAGS)}
"""The code of each flag."""

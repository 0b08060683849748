"""Text to graph and back: tokens, parser, functions, prelude, printer."""

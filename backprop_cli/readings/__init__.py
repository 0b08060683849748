"""A formula, or a graph, read as something that computes or that can be shown."""

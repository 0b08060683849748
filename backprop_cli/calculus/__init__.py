"""The sweeps: a graph and a point in, plain numbers out."""

"""Claims about gradients: are they right, where, and if not, which mistake it is."""

"""What ails a gradient: where it vanishes or explodes, where NaN was born, and what cures it."""

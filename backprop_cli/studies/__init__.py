"""What the commands are about, built from the sweeps."""

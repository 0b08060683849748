"""The ways of differentiating side by side: counted, timed, and held against many digits."""

"""Shapes of what comes in and goes out of the API: names, types, limits, examples. What values mean is domain/'s."""

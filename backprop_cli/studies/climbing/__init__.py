"""Ascent and descent: the steps, what they did, and the engines that take them."""

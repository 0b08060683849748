"""The operation graph as a picture: laid out once, drawn in characters, SVG, DOT and Mermaid."""

"""The worked solution: one content, written as Markdown, LaTeX, HTML and as a lesson."""

"""What stderr says about an answer: its warnings, and why there is none."""

from collections.abc import Iterator

from backprop_cli.studies.solution import Solution


def notes(solution: Solution, origin: str = "", where: str = "") -> Iterator[str]:
    """Yield the warnings and failures of a solution, each once, as lines for people.

    `where` says before a warning which of several points is meant.
    """
    if not any(answer.remarks or answer.failure for answer in solution.answers):
        return
    from backprop_cli.render.errors import layout_failure, readable

    seen: set[str] = set()
    for answer in solution.answers:
        texts = [f"warning: {where}{readable(remark.message)}" for remark in answer.remarks]
        if answer.failure is not None:
            texts.append(layout_failure(answer.failure, solution.graph.source, origin))
        for text in texts:
            if text not in seen:
                seen.add(text)
                yield text

"""An order of computing in which little waits: what frees a buffer comes as soon as it can.

A gradient graph has its values first and its adjoints behind them, so that in a sum of a thousand
terms the values of all of them would wait for the way back. But the slopes of a term often need no
more than its own values, and can follow these at once, while they are in the cache.
"""

from collections.abc import Mapping, Sequence


def early_order(operands: Mapping[int, Sequence[int]]) -> list[int]:
    """Return the keys in an order in which each stands behind its operands.

    `operands` has what each key reads, among the keys, without repeats, in an order that is a
    possible one. It is kept, but that a key which is the last to read an operand comes as soon as
    all its operands are there. Costs some looks at each operand.
    """
    users: dict[int, list[int]] = {key: [] for key in operands}
    for key, read in operands.items():
        for operand in read:
            users[operand].append(key)
    missing = {key: len(read) for key, read in operands.items()}
    readers = {key: len(found) for key, found in users.items()}
    """How many operands are not there yet; how many have yet to read each."""
    order: dict[int, None] = {}
    for first in operands:
        waiting = [first]
        while waiting:
            key = waiting.pop()
            if key in order:
                continue
            order[key] = None
            for operand in operands[key]:
                readers[operand] -= 1
            for user in users[key]:
                missing[user] -= 1
            # Who may come now: who is left to read what this key has read, or reads the key.
            last = [k for operand in operands[key] if readers[operand] == 1 for k in users[operand]]
            for user in (*last, *users[key]):
                ready = user not in order and not missing[user]
                if ready and any(readers[operand] == 1 for operand in operands[user]):
                    waiting.append(user)
    return list(order)

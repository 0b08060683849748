"""What a name means at a place in a program, or in the body of a function.

A name stands for the newest value assigned to it; else for an input, if the point binds it or if
no constant and no function has the name. In the body of a function the parameters come first,
then what the program around it had where the function was defined.
"""

from collections.abc import Collection, Mapping

from backprop_cli.errors import Span, UnknownInput
from backprop_cli.graph import GraphBuilder
from backprop_cli.language import hints, mistakes
from backprop_cli.language.names import PRIME
from backprop_cli.operations import INPUT, NAMED_CONSTANTS


class Scope:
    """The names of a program; `names` is the builder's own table, filled as names are met."""

    def __init__(
        self, text: str, builder: GraphBuilder, bound: Collection[str], functions: Collection[str]
    ) -> None:
        self.text = text
        self.builder = builder
        self.bound = bound
        self.functions = functions
        self.names = builder.names
        self._constants_read: dict[str, Span] = {}
        self._versions: dict[str, int] = {}

    def knows(self, name: str) -> bool:
        """Return whether the name stands for a value here."""
        return name in self.names or name in self.bound or name in NAMED_CONSTANTS

    def resolve(self, name: str, start: int, end: int) -> int:
        """Return the node of a name, made if the name is met for the first time."""
        node = self.names.get(name)
        if node is not None:
            return node
        if not name.isidentifier():
            mistakes.bad_name(self.text, start, end)
        if name in NAMED_CONSTANTS and self.is_constant(name):
            self._constants_read.setdefault(name, Span(start, end))
            return self.builder.constant(name, start, end)
        if name not in self.bound and (name in self.functions or hints.is_function(name)):
            mistakes.function_as_name(self.text, name, start, end)
        node = self.names[name] = self.builder.input(name, start, end)
        return node

    def is_constant(self, name: str) -> bool:
        """Return whether the name is that of a constant nobody has taken."""
        return name in NAMED_CONSTANTS and name not in self.names and name not in self.bound

    def check_target(self, name: str, span: Span) -> None:
        """Raise unless the program may assign `name`."""
        if not name.isidentifier():
            mistakes.bad_name(self.text, *span)
        if name in self.bound:
            hint = f"leave {name} out of the point, or assign another name"
            message = f"{name} is assigned by the program, so it cannot be bound as well"
            raise UnknownInput(message, span, hint, self.text)

    def assign(self, name: str, node: int) -> None:
        """Let `name` stand for `node`; tables show the first name that a node was given."""
        read = self._constants_read.get(name)
        if name in self.builder.inputs:
            read = self.builder.span_of(self.builder.inputs[name])
        if read is not None:
            hint = f"assign {name} before its first use, or use another name"
            mistakes.fail(self.text, f"{name} is read before it is assigned", *read, hint)
        version = self._versions[name] = self._versions.get(name, 0) + 1
        self.names[name] = node
        shown = name if version == 1 else f"{name}{PRIME}{version}"
        if node not in self.builder.labels and self.builder.rows[node] != INPUT:
            self.builder.labels[node] = shown
        else:
            self.builder.aliases[shown] = node, len(self.builder.rows)


class BodyScope(Scope):
    """The names inside a function: parameters, then the values of the program around it.

    Such a value is an input of the template; `outer` says which node of the program it is.
    """

    def __init__(
        self,
        text: str,
        builder: GraphBuilder,
        functions: Collection[str],
        around: Mapping[str, int],
        program: Scope | None,
    ) -> None:
        super().__init__(text, builder, program.bound if program else (), functions)
        self.around = around
        self.program = program
        self.outer: dict[int, int] = {}

    def resolve(self, name: str, start: int, end: int) -> int:
        """Return the node of a name inside the body."""
        if name in self.names:
            return self.names[name]
        value = self.around.get(name)
        if value is None:
            if self.is_constant(name) or self.program is None:
                return super().resolve(name, start, end)
            value = self.program.resolve(name, start, end)
        node = self.names[name] = self.builder.add(INPUT, (), start, end)
        self.outer[node] = value
        return node

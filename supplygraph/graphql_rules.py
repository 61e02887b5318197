"""The specification's rules of validation, each of which remembers what it looks at.

graphql-core finds out anew in every validation, for each of some thirty rules, which kinds of node it has methods for: that is
half of the time that a validation takes. Which they are is a matter of the rule's class.
"""

from __future__ import annotations

from typing import ClassVar, Final

from graphql import ASTValidationRule, specified_rules
from graphql.language.visitor import EnterLeaveVisitor

_NOTHING: Final = EnterLeaveVisitor(None, None)


def remembering(rule: type[ASTValidationRule]) -> type[ASTValidationRule]:
    """The same rule, which looks once for the methods of each kind of node."""

    class Remembering(rule):  # type: ignore[misc, valid-type]  # a class that is told
        _looked_at: ClassVar[dict[str, bool]] = {}

        def get_enter_leave_for_kind(self, kind: str) -> EnterLeaveVisitor:
            looked_at = self._looked_at.get(kind)
            if looked_at is None:
                looked_at = self._looked_at[kind] = super().get_enter_leave_for_kind(kind) != _NOTHING
            return super().get_enter_leave_for_kind(kind) if looked_at else _NOTHING

    Remembering.__name__ = Remembering.__qualname__ = rule.__name__
    return Remembering


RULES: Final = tuple(remembering(rule) for rule in specified_rules)
"""Built once: what they remember is remembered by class."""

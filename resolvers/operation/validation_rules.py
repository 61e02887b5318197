"""The specification's validation rules, each with a memory of the node kinds it visits.

For every validation graphql-core looks up again, for each of some thirty rules, which kinds of node have visitor methods: that
takes half of the time of a validation. The answer depends only on the rule's class.
"""

from __future__ import annotations

from typing import ClassVar, Final

from graphql import ASTValidationRule, specified_rules
from graphql.language.visitor import EnterLeaveVisitor

_NO_METHODS: Final = EnterLeaveVisitor(None, None)


def memoize_visitors(rule: type[ASTValidationRule]) -> type[ASTValidationRule]:
    """Return the same rule, which looks up the methods for each kind of node once."""

    class MemoizedRule(rule):  # type: ignore[misc, valid-type]  # the base class is a parameter
        _has_methods: ClassVar[dict[str, bool]] = {}

        def get_enter_leave_for_kind(self, kind: str) -> EnterLeaveVisitor:
            has_methods = self._has_methods.get(kind)
            if has_methods is None:
                has_methods = self._has_methods[kind] = super().get_enter_leave_for_kind(kind) != _NO_METHODS
            return super().get_enter_leave_for_kind(kind) if has_methods else _NO_METHODS

    MemoizedRule.__name__ = MemoizedRule.__qualname__ = rule.__name__
    return MemoizedRule


RULES: Final = tuple(memoize_visitors(rule) for rule in specified_rules)
"""Built once: the memory belongs to the class."""

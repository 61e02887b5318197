"""The validation rules of the GraphQL specification, with memoized visitor methods.

In every validation graphql-core looks up which kinds of node have visitor methods, for each of about thirty rules. That takes
half of the time of a validation, and the result depends only on the rule's class.
"""

from __future__ import annotations

from typing import ClassVar, Final

from graphql import ASTValidationRule, specified_rules
from graphql.language.visitor import EnterLeaveVisitor

_NO_METHODS: Final = EnterLeaveVisitor(None, None)


def memoize_visitors(rule: type[ASTValidationRule]) -> type[ASTValidationRule]:
    """Return the rule as a class that looks up the methods for each kind of node only once."""

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
"""The rules for `graphql.validate`. They are built once, because each class has its own memory."""

"""Plans: the compiled form of an operation, for one set of directive values and argument shapes.

Requests that differ only in other variables share a plan. A plan belongs to no reader: permissions are checked and values are
bound for each request.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from graphql.execution import VariableValues

from db.query.shape import Shape, Value, build_shapes, direct_check, normalize_arguments
from db.query.sql.statement import OperationStatement
from domain.errors import ReaderError
from domain.freshness import Demand
from domain.rules import FreshnessRules
from resolvers.freshness.authorization import Requirement, requirements_of
from resolvers.freshness.demands import demand_of
from resolvers.operation.selection import RootField, Selection, VariableField


@dataclass(frozen=True, slots=True)
class ArgumentBinder:
    """A selected field whose arguments contain variables.

    `direct` is a variable and the check of its value, if that variable is all that varies and never changes the statement.
    """

    field: VariableField
    direct: tuple[str, Callable[[object, str], Value]] | None
    param: str

    @classmethod
    def of(cls, field: VariableField) -> Self:
        """Return the binder of a field."""
        param = f"p{field.index}_0"
        if field.direct is None or len(field.direct) != 1:
            return cls(field, None, param)
        ((argument, variable, _),) = field.direct
        check = direct_check(field.type_name, field.name, argument)
        return cls(field, None if check is None else (variable, check), param)

    def bind(self, values: VariableValues, bound: dict[str, Value]) -> Hashable:
        """Add the values to bind, and return what tells argument shapes apart. Raises BadUserInput."""
        if self.direct is not None:
            variable, check = self.direct
            value = values.coerced.get(variable)
            if value is not None:
                bound[self.param] = check(value, variable)
                return None
        arguments = self.field.arguments(values)
        shape, params = normalize_arguments(self.field.type_name, self.field.name, arguments, self.field.index)
        bound.update(params)
        # What limits and permissions depend on is part of the key: they were checked when the plan was compiled.
        return shape, arguments.get("first"), _hashable(arguments.get("freshness"))


@dataclass(slots=True)
class Plan:
    """What one operation reads. `errors` are the root fields that cannot be read, by response key.

    `literals` are the bound values that come from the text. `statements` holds the statement for readers who see all accounts
    and the one for readers who see some; each is compiled when it is first needed.
    """

    root_fields: tuple[RootField, ...]
    keys: tuple[str, ...]
    demands: Mapping[str, Demand]
    errors: Mapping[str, ReaderError]
    requirements: tuple[Requirement, ...]
    shapes: tuple[Shape, ...]
    literals: Mapping[str, Value]
    introspects: bool = False
    statements: dict[bool, OperationStatement] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """The characters of its SQL."""
        return sum(len(statement.sql) for statement in self.statements.values())


def build_plan(selection: Selection, rules: FreshnessRules) -> tuple[Plan, dict[str, Value]]:
    """Return the plan of a selection, without statements, and the values of this request.

    A root field whose arguments are invalid becomes an error of its own and does not affect the others. Such a plan is for this
    request alone: the parameters are numbered without the fields that cannot be read.
    """
    errors: dict[str, ReaderError] = {}
    demands: dict[str, Demand] = {}
    requirements: list[Requirement] = []
    for root in selection.roots:
        try:
            demands[root.key] = demand_of(root, rules)
            build_shapes([root])
        except ReaderError as error:
            errors[root.key] = error
        requirements += requirements_of(root, demands.get(root.key), rules)
    readable = [root for root in selection.roots if root.key not in errors]
    shapes, values = build_shapes(readable)
    plan = Plan(
        selection.root_fields,
        tuple(root.key for root in selection.roots),
        {root.key: demands[root.key] for root in readable},
        errors,
        tuple(requirements),
        shapes,
        values,
        selection.introspects,
    )
    return plan, values


def bind_arguments(binders: Sequence[ArgumentBinder], values: VariableValues) -> tuple[Hashable, dict[str, Value]]:
    """Return the key of the argument shapes and the values to bind. Raises BadUserInput."""
    bound: dict[str, Value] = {}
    return tuple([binder.bind(values, bound) for binder in binders]), bound


def _hashable(demand: object) -> Hashable:
    return tuple(sorted(demand.items())) if isinstance(demand, dict) else None

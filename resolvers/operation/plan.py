"""Plans: the compiled form of an operation, for one set of directive values and argument shapes.

Requests that differ only in the values of other variables share a plan. A plan does not depend on the viewer: permissions are
checked and values are bound for each request.
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
from resolvers.freshness.demands import Requirement, demand_of, requirements_of
from resolvers.operation.selection import RootField, Selection, VariableField


@dataclass(frozen=True, slots=True)
class ArgumentBinder:
    """Binds the variables in the arguments of one selected field.

    `direct` is set if the arguments contain a single variable that never changes the statement: the variable, and the check of
    its value.
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
        """Add the values to bind, and return the key of the argument shape. Raises BadUserInput."""
        if self.direct is not None:
            variable, check = self.direct
            value = values.coerced.get(variable)
            if value is not None:
                bound[self.param] = check(value, variable)
                return None
        arguments = self.field.arguments(values)
        shape, params = normalize_arguments(self.field.type_name, self.field.name, arguments, self.field.index)
        bound.update(params)
        # `first` and `freshness` are part of the key, because limits and requirements were determined when the plan was compiled.
        demand = arguments.get("freshness")
        return shape, arguments.get("first"), tuple(sorted(demand.items())) if isinstance(demand, dict) else None


@dataclass(slots=True)
class Plan:
    """The compiled form of an operation.

    `keys` are the response keys of the root fields that return data. `errors` are those of them that cannot be read. `literals`
    are the bound values that come from the text. `statements` has the statement for viewers who see all accounts (False) and the
    one for viewers who see only some (True); each is compiled when it is first needed.
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
        """The number of characters of its SQL."""
        return sum(len(statement.sql) for statement in self.statements.values())


def build_plan(selection: Selection, rules: FreshnessRules) -> tuple[Plan, dict[str, Value]]:
    """Return the plan of a selection, without statements, and the values of this request.

    A root field with invalid arguments becomes an error and does not affect the others. Such a plan is valid only for this
    request, because the parameters are numbered without the fields that cannot be read.
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

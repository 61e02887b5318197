"""One operation of one text: its document or its errors, and its plans."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Self

from graphql import (
    DocumentNode,
    GraphQLBoolean,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    get_operation_ast,
    print_ast,
    visit,
)
from graphql.execution import VariableValues

from db.query.shape import Value
from domain.cache import LRUCache
from domain.errors import BadUserInput
from resolvers.errors import FormattedError, format_reader_error
from resolvers.operation.document import Document
from resolvers.operation.plan import ArgumentBinder, Plan, bind_arguments
from resolvers.operation.selection import VariableField
from resolvers.operation.variables import VariableCoercer

_PLANS: Final = 16
_DIRECTIVE_VARIANTS: Final = 16
# As measured, a parsed text takes about forty times its own size, and a plan about ten times the size of its SQL.
_DOCUMENT_FACTOR: Final = 40
_PLAN_FACTOR: Final = 10
_OVERHEAD_BYTES: Final = 40_000


@dataclass(slots=True)
class BoundVariables:
    """The variables of one request: the key of its directive variables, its argument shapes, and the values to bind."""

    directive_key: Hashable
    shapes: Hashable
    params: dict[str, Value]


@dataclass(slots=True)
class DirectiveVariant:
    """An operation with one set of values of its directive variables: its binders, and its plans by argument shape."""

    binders: tuple[ArgumentBinder, ...]
    plans: LRUCache[Hashable, Plan] = field(default_factory=lambda: LRUCache(_PLANS))


@dataclass(slots=True)
class Operation:
    """An operation that can run, or the errors of a request for it.

    `directive_variables` are the variables in `@skip` and `@include`. `introspection` is the response to an operation that asks
    only for the schema and has no variables; it never changes.
    """

    text: str
    name: str | None
    document: DocumentNode | None
    definition: OperationDefinitionNode | None
    errors: tuple[FormattedError, ...]
    coercer: VariableCoercer | None = None
    directive_variables: tuple[str, ...] = ()
    variants: LRUCache[Hashable, DirectiveVariant] = field(default_factory=lambda: LRUCache(_DIRECTIVE_VARIANTS))
    introspection: bytes | None = None

    @classmethod
    def of(cls, schema: GraphQLSchema, document: Document, text: str, name: str | None) -> Self:
        """Return the operation of this name in a document."""
        parsed = document.document
        definition = None if parsed is None else get_operation_ast(parsed, name)
        errors = document.errors
        if parsed is not None and not errors and definition is None:
            errors = (_no_operation(name),)
        own_name = definition.name.value if definition is not None and definition.name else None
        operation = cls(text, own_name, parsed, definition, errors)
        if parsed is not None and definition is not None and not errors:
            operation.coercer = VariableCoercer(schema, definition)
            operation.directive_variables = _directive_variables(parsed, definition)
        return operation

    @property
    def is_query(self) -> bool:
        """Whether it is a query. A request whose operation does not exist counts as one."""
        return self.definition is None or self.definition.operation is OperationType.QUERY

    @property
    def memory(self) -> int:
        """Its approximate size in memory, in bytes."""
        plans = sum(plan.size for variant in self.variants.values() for plan in variant.plans.values())
        return (
            _OVERHEAD_BYTES + _DOCUMENT_FACTOR * len(self.text) + _PLAN_FACTOR * plans + len(self.introspection or b"")
        )

    def bind(self, variables: Mapping[str, object]) -> BoundVariables | None:
        """Return the bound variables of a request; None if they are invalid, or if no plan was compiled for their directives.

        May run in any thread. Raises ReaderError for an invalid value of an argument.
        """
        values = None if self.coercer is None else self.coercer.coerce(variables)
        if values is None:
            return None
        key = self.directive_key(values)
        variant = self.variants.peek(key)
        return None if variant is None else BoundVariables(key, *bind_arguments(variant.binders, values))

    def find_plan(self, bound: BoundVariables) -> Plan | None:
        """Return the plan for these variables, or None."""
        variant = self.variants.get(bound.directive_key)
        return None if variant is None else variant.plans.get(bound.shapes)

    def add_plan(self, plan: Plan, values: VariableValues, variable_fields: tuple[VariableField, ...]) -> None:
        """Store the plan that was compiled for these values. The values that come from variables are removed from it."""
        key = self.directive_key(values)
        variant = self.variants.get(key)
        if variant is None:
            variant = DirectiveVariant(tuple(ArgumentBinder.of(each) for each in variable_fields))
            self.variants.add(key, variant)
        shapes, bound = bind_arguments(variant.binders, values)
        existing = variant.plans.get(shapes)
        if existing is not None:
            existing.statements.update(plan.statements)
            return
        literals = {name: value for name, value in plan.literals.items() if name not in bound}
        variant.plans.add(shapes, replace(plan, literals=literals))

    def directive_key(self, values: VariableValues) -> Hashable:
        """Return the values of the directive variables."""
        return tuple([values.coerced.get(name) for name in self.directive_variables])


def _no_operation(name: str | None) -> FormattedError:
    if name is None:
        message = "The document contains several operations: name the one to run in 'operationName'."
    else:
        message = "The document contains no operation with the name in 'operationName'."
    return format_reader_error(BadUserInput("operationName", message))


def _directive_variables(document: DocumentNode, operation: OperationDefinitionNode) -> tuple[str, ...]:
    """Return the names of the operation's Boolean variables that occur in directives.

    Other operations of the document may have variables of the same names with other types.
    """
    collector = _DirectiveVariables()
    visit(document, collector)
    definitions = operation.variable_definitions or ()
    types = {each.variable.name.value: print_ast(each.type).rstrip("!") for each in definitions}
    return tuple(sorted(name for name in collector.names if types.get(name) == GraphQLBoolean.name))


class _DirectiveVariables(Visitor):
    """Collects the names of variables inside directives."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self._depth = 0

    def enter_directive(self, *_: Node) -> None:
        self._depth += 1

    def leave_directive(self, *_: Node) -> None:
        self._depth -= 1

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        if self._depth:
            self.names.add(node.name.value)

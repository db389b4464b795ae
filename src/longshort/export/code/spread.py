"""Sums side by side, term after term: an order of loops that compilers of C turn into vectors.

A loop over sums, each with a loop over its terms, becomes a loop over the terms within which all
sums go on. Each sum still adds its terms in the same order, so no bit changes.
"""

from __future__ import annotations

from collections.abc import Callable

from longshort.export.code.loops import Apply, Expression, Load, Local, Loop, Set, Statement, Store

Change = Callable[[Expression], Expression | None]


def spread(statement: Statement) -> list[Statement]:
    """Return statements in place of one, which may be the same."""
    if not isinstance(statement, Loop):
        return [statement]
    match statement.body:
        case (Set(total, begin), Loop() as terms, Store() as kept) if statement.lanes:
            return _spread(statement, total, begin, terms, kept)
    body = [each for inner in statement.body for each in spread(inner)]
    return [Loop(statement.counter, statement.count, tuple(body), statement.lanes)]


def _spread(sums: Loop, total: str, begin: Expression, terms: Loop, kept: Store) -> list[Statement]:
    held = Load(kept.buffer, kept.place)

    def over_sums(value: Expression) -> Loop:
        return Loop(sums.counter, sums.count, (Store(kept.buffer, kept.place, value),), True)

    def as_held(expression: Expression) -> Expression | None:
        return held if expression == Local(total) else None

    def within(loop: Loop) -> Loop:
        inner = loop.body[0]
        if isinstance(inner, Loop):
            return Loop(loop.counter, loop.count, (within(inner),))
        assert isinstance(inner, Set)
        alike: dict[Load, str] = {}

        def shared(expression: Expression) -> Expression | None:
            if isinstance(expression, Load) and not expression.place.stride(sums.counter):
                return Local(alike.setdefault(expression, f"{total}_{len(alike)}"))
            return as_held(expression)

        value = _changed(inner.value, shared)
        before = tuple(Set(name, load) for load, name in alike.items())
        return Loop(loop.counter, loop.count, (*before, over_sums(value)))

    found = [over_sums(begin), within(terms)]
    if kept.value != Local(total):
        found.append(over_sums(_changed(kept.value, as_held)))
    return [*found]


def _changed(expression: Expression, change: Change) -> Expression:
    """Return an expression with parts replaced."""
    found = change(expression)
    if found is not None:
        return found
    if isinstance(expression, Apply):
        return Apply(expression.op, tuple(_changed(each, change) for each in expression.inputs))
    return expression

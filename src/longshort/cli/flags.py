"""Commands whose flags come from the settings of the task that is asked for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from longshort.cli.screen import Screen
from longshort.config.flags import Flag, flags_of
from longshort.errors import LongshortError
from longshort.registry import TASKS

Command = Callable[..., Any]
_USAGE_ERROR: Any = typer.BadParameter.__mro__[1]


def with_task_flags(command: Command) -> type[TyperCommand]:
    """The class of a command that takes its own options and the flags of a task.

    command: its parameter `named` gets the settings that flags have named, by dotted key.
    """

    class TaskCommand(TyperCommand):
        def make_context(
            self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
        ) -> Any:
            built = _build(command, _asked_for(args), info_name or "")
            try:
                return built.make_context(info_name, args, parent=parent, **extra)
            except _USAGE_ERROR as error:
                error.message += _hint(getattr(error, "option_name", None))
                raise

    return TaskCommand


def without_flags(command: Command) -> Command:
    """The command as it stands in the list of commands."""
    return _signed(command, [])


def _build(command: Command, task: str, name: str) -> Any:
    panel = f"Flags of the task {task}"
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(name)(_signed(command, _flags(task), panel))
    return typer.main.get_command(app)


def _signed(command: Command, flags: Sequence[Flag], panel: str = "") -> Command:
    """The command with a parameter for every flag, which the help shows in a panel."""
    own = inspect.signature(command, eval_str=True).parameters
    hints = {name: each for name, each in own.items() if name != "named"}

    def call(**given: Any) -> Any:
        with Screen(as_json=bool(given.get("as_json"))):
            named = {flag.key: flag.value(given.pop(flag.variable)) for flag in flags}
        return command(named=named, **given)

    only = inspect.Parameter.KEYWORD_ONLY
    shown = [parameter.replace(kind=only) for parameter in hints.values()]
    shown += [_parameter(flag, panel) for flag in flags]
    vars(call)["__signature__"] = inspect.Signature(shown)
    call.__annotations__ = {each.name: each.annotation for each in shown}
    call.__doc__ = command.__doc__
    return call


def _parameter(flag: Flag, panel: str) -> inspect.Parameter:
    shown = flag.default or False
    option = typer.Option(
        flag.name, help=flag.help, show_default=shown, rich_help_panel=panel or None
    )
    return inspect.Parameter(
        flag.variable,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[flag.kind | None, option],
    )


def _flags(task: str) -> list[Flag]:
    """Of a task; of the usual one where that name is unknown, which the command will say."""
    try:
        return list(flags_of(TASKS.config(task)))
    except LongshortError:
        return list(flags_of(TASKS.config(TASKS.usual)))


def _asked_for(args: Sequence[str]) -> str:
    """The task that these arguments name: by --task, by their settings file or example."""
    for name, value in _pairs(args):
        if name == "--task":
            return value
    for name, value in _pairs(args):
        found = _settings(name, value).get("task")
        if isinstance(found, str):
            return found
    return TASKS.usual


def _pairs(args: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Options with their values."""
    for number, arg in enumerate(args):
        name, equals, value = arg.partition("=")
        if equals:
            yield name, value
        elif number + 1 < len(args):
            yield arg, args[number + 1]


def _settings(name: str, value: str) -> dict[str, Any]:
    """Of a file or an example, as far as they can be read; the command says what is wrong."""
    try:
        if name == "--config":
            from pathlib import Path

            from longshort.config import read_toml

            return read_toml(Path(value))
        if name == "--example":
            from longshort.data.examples import example

            return dict(example(value)[1])
    except LongshortError:
        pass
    return {}


def _hint(option: str | None) -> str:
    """Which tasks have a flag that this one has not."""
    found = []
    for name in TASKS.names():
        try:
            has_it = option in {flag.name for flag in flags_of(TASKS.config(name))}
        except LongshortError:  # a broken plug-in concerns nobody who does not ask for it
            continue
        found += [name] if has_it else []
    return f". It is of the tasks {', '.join(found)}: say --task NAME." if found else ""

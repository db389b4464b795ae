"""Command-line flags that are made from the settings of the task."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

import typer
from rich.markup import escape
from typer.core import TyperCommand

from longshort.cli import options as o
from longshort.cli.screen import Screen
from longshort.config.flags import Flag, as_help, flags_of
from longshort.config.training import SourceConfig
from longshort.errors import LongshortError
from longshort.registry import TASKS

Command = Callable[..., Any]
_USAGE_ERROR: Any = typer.BadParameter.__mro__[1]


def with_task_flags(command: Command) -> type[TyperCommand]:
    """Return the class of a command that takes its own options and the flags of the chosen task.

    command: its parameter `named` receives the settings that were given as flags, by dotted key.
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
    """Return the command without flags of a task, as the list of commands shows it."""
    return _signed(command, [])


def _build(command: Command, task: str, name: str) -> Any:
    panel = f"Flags of the task {task}"
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(name)(_signed(command, _flags(task), panel, _about_data(task)))
    return typer.main.get_command(app)


def _signed(command: Command, flags: Sequence[Flag], panel: str = "", data: str = "") -> Command:
    """Return the command with a parameter for every flag; the help shows them in a panel.

    data: help of the argument for the data; empty for that of all tasks.
    """
    own = inspect.signature(command, eval_str=True).parameters
    hints = {name: each for name, each in own.items() if name != "named"}

    def call(**given: Any) -> Any:
        with Screen(as_json=bool(given.get("as_json"))):
            named = {flag.key: flag.value(given.pop(flag.variable)) for flag in flags}
        return command(named=named, **given)

    only = inspect.Parameter.KEYWORD_ONLY
    shown = [parameter.replace(kind=only) for parameter in hints.values()]
    if data:
        argument = Annotated[str | None, typer.Argument(help=escape(data), show_default=False)]
        shown = [p.replace(annotation=argument) if p.annotation == o.Data else p for p in shown]
    shown += [_parameter(flag, panel) for flag in flags]
    vars(call)["__signature__"] = inspect.Signature(shown)
    call.__annotations__ = {each.name: each.annotation for each in shown}
    call.__doc__ = command.__doc__
    return call


def _parameter(flag: Flag, panel: str) -> inspect.Parameter:
    option = typer.Option(
        flag.name,
        help=escape(flag.help),
        show_default=flag.default or False,
        rich_help_panel=panel or None,
        metavar=f"<{'|'.join(flag.choices)}>" if flag.choices else None,
    )
    return inspect.Parameter(
        flag.variable,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[flag.kind | None, option],
    )


def _flags(task: str) -> list[Flag]:
    """Return the flags of a task, or those of the default task for an unknown name.

    The command itself then reports the name.
    """
    try:
        return list(flags_of(TASKS.config(task)))
    except LongshortError:
        return list(flags_of(TASKS.config(TASKS.usual)))


def _about_data(task: str) -> str:
    """Return the help of the data, where a task says what it takes; empty for others."""
    try:
        section: Any = TASKS.config(task).model_fields["data"].annotation
    except LongshortError:
        return ""
    said = section.model_fields["path"].description
    return "" if said == SourceConfig.model_fields["path"].description else as_help(said)


def _asked_for(args: Sequence[str]) -> str:
    """Return the task that the arguments name: by --task, or by their settings file or example."""
    for name, value in _pairs(args):
        if name == "--task":
            return value
    for name, value in _pairs(args):
        found = _settings(name, value).get("task")
        if isinstance(found, str):
            return found
    return TASKS.usual


def _pairs(args: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield options with their values."""
    for number, arg in enumerate(args):
        name, equals, value = arg.partition("=")
        if equals:
            yield name, value
        elif number + 1 < len(args):
            yield arg, args[number + 1]


def _settings(name: str, value: str) -> dict[str, Any]:
    """Return the settings of a file or example; empty if unreadable, which the command reports."""
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
    """Return a hint which tasks have a flag that the chosen task lacks; empty if none has it."""
    found = []
    for name in TASKS.names():
        try:
            has_it = option in {flag.name for flag in flags_of(TASKS.config(name))}
        except LongshortError:  # a broken plug-in matters only to those who ask for it
            continue
        found += [name] if has_it else []
    return f". It is of the tasks {', '.join(found)}: say --task NAME." if found else ""

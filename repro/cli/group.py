"""How commands behave: an answer with a status, help that can fail to be written, and one line for what is wrong."""

from typing import Any, NamedTuple

import click

from ..errors import ReproError, error_line
from ..words import did_you_mean, printable
from .output import write


class Answer(NamedTuple):
    """What a command found: the text of it, and whether all is right."""

    text: str
    agree: bool = True


class Command(click.Command):
    """A command whose help is an answer like any other: where it cannot be written, one line says so."""

    def get_help_option(self, _: click.Context) -> click.Option | None:
        def show(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
            if asked and not ctx.resilient_parsing:
                write(ctx.get_help())
                ctx.exit()

        return click.Option(
            ["-h", "--help"], callback=show, is_flag=True, expose_value=False, is_eager=True, help="Say this and end."
        )

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ReproError as error:
            raise click.ClickException(f"{ctx.command_path}: {error_line(error)}") from None
        except PermissionError as error:
            who = printable(str(error.filename))
            raise click.ClickException(f"{ctx.command_path}: {who}: is not yours to read or write") from None


class Commands(Command, click.Group):
    """All of them; without one it tells its help, and for one that is mistyped which was meant."""

    command_class = Command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-") and not ctx.resilient_parsing:
            known = self.list_commands(ctx)
            ctx.fail(
                f"there is no command {name!r}{did_you_mean(name, known) or ': must be one of ' + ', '.join(known)}"
            )
        return super().resolve_command(ctx, args)


class Place(click.Path):
    """A path, whatever is in it: of an empty one, and of a name that no file can have, one line says what is wrong."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not str(value):
            self.fail("must be a path, and is empty; . is the folder that you stand in", param, ctx)
        try:
            return super().convert(value, param, ctx)
        except ValueError as error:
            self.fail(f"{value!r}: must be a path ({error})", param, ctx)

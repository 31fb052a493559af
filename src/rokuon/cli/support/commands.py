"""Commands and groups of commands as Rokuon shows them: their help ends with examples, and a group lists whole first sentences."""

import click

from rokuon.base.i18n import _, first_sentence
from rokuon.cli.examples import EXAMPLES


class _WithExamples(click.Command):
    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        examples = EXAMPLES.get(ctx.command_path, ())
        if not examples:
            return
        with formatter.section(_("Examples")):
            for purpose, line in examples:
                formatter.write_text(f"{_(purpose)}:")
                # Never wrapped: it is there to be copied.
                formatter.write(f"{'':{formatter.current_indent}}  {line}\n")


class Command(_WithExamples):
    """A command whose help ends with its examples."""


class Group(_WithExamples, click.Group):
    """Lists its commands with the whole first sentence of their help: click would cut it at a space."""

    command_class = Command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section(_("Commands")):
            formatter.write_dl([(name, first_sentence(self.commands[name].help or "")) for name in self.list_commands(ctx)])

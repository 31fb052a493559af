"""Keeps the catalogue of messages in step with the source; needs no GNU gettext.

    python tools/messages.py            collect messages into the .po, keep translations, compile the .mo
    python tools/messages.py --check    change nothing; fail when something is missing, and say what

Only literal strings can be collected. In Python: `_("...")`, `N_("...")`, `gettext("...")`, `ngettext("...", "...", n)`,
`NN_("...", "...")`, and the lazy forms. In templates, which are all files below a folder `templates`: `{% translate "..." %}`,
`{% blocktranslate trimmed [count n=...] %}...[{% plural %}...]{% endblocktranslate %}` and `_("...")` in tags and variables. What Django
would look up at run time and not find is refused. Contexts (`pgettext`) are refused: the English text itself has to be unambiguous.
"""

import argparse
import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polib
from django.template.base import Lexer, Token, TokenType
from django.templatetags.i18n import BlockTranslateNode
from django.utils.text import unescape_string_literal

SOURCE = Path(__file__).resolve().parent.parent / "src"
PACKAGE = "rokuon"
ONE = {"_", "N_", "gettext", "gettext_lazy", "gettext_noop"}
MANY = {"ngettext", "ngettext_lazy", "NN_"}
WITH_CONTEXT = {"pgettext", "pgettext_lazy", "npgettext", "npgettext_lazy"}
TEMPLATES = "templates"
LINE, BLOCK = ("translate", "trans"), ("blocktranslate", "blocktrans")
LITERAL = r"""(?:"[^"\\]*(?:\\.[^"\\]*)*"|'[^'\\]*(?:\\.[^'\\]*)*')"""
CONSTANT = re.compile(rf"(?<![\w\"'])_\(({LITERAL})\)|{LITERAL}")
PLACEHOLDER = re.compile(r"%\((\w+)\)[-#0 +]*[\d.]*[a-zA-Z]|%[-#0 +]*[\d.]*[sdrif]|\{(\w*)[^{}]*\}")
METADATA = {
    "Project-Id-Version": "rokuon",
    "Language": "ja",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
    "Plural-Forms": "nplurals=1; plural=0;",
}


@dataclass
class Message:
    text: str
    plural: str = ""
    files: set[str] = field(default_factory=set)


class Wrong(Exception):
    """The message of a call cannot be collected."""


def collect(source: Path) -> dict[str, Message]:
    """Return every message below the folder, by its English text."""
    found: dict[str, Message] = {}
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source).as_posix()
        for text, plural in _in_file(path, name):
            message = found.setdefault(text, Message(text))
            if message.plural and plural and message.plural != plural:
                raise Wrong(f"{name}: {text!r} has two plurals")
            message.plural = message.plural or plural
            message.files.add(name)
    return found


def _in_file(path: Path, name: str) -> Iterator[tuple[str, str]]:
    if path.suffix == ".py":
        yield from _in_python(ast.parse(path.read_text(), name), name)
    elif path.is_file() and TEMPLATES in path.parts:
        yield from _in_template(path.read_text(), name)


def _in_python(tree: ast.AST, name: str) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if called in WITH_CONTEXT:
            raise Wrong(f"{name}:{node.lineno}: {called}: contexts are not collected; make the English text unambiguous")
        wanted = 1 if called in ONE else 2 if called in MANY else 0
        texts = [_literal(argument, f"{name}:{node.lineno}") for argument in node.args[:wanted]]
        if texts and all(text is not None for text in texts):
            yield str(texts[0]), str(texts[1]) if wanted == 2 else ""


def _literal(node: ast.expr, where: str) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr | ast.BinOp):
        raise Wrong(f"{where}: a message is built at run time; use one literal with named placeholders")
    return None  # a variable: its literal is elsewhere, in N_()


def _in_template(text: str, name: str) -> Iterator[tuple[str, str]]:
    tokens = iter(Lexer(text).tokenize())
    for token in tokens:
        if token.token_type not in (TokenType.BLOCK, TokenType.VAR):
            continue
        where = f"{name}:{token.lineno}"
        tag = token.contents.split(maxsplit=1)[0] if token.token_type == TokenType.BLOCK else ""
        if tag == "comment":
            while not (token.token_type == TokenType.BLOCK and token.contents.strip() == "endcomment"):
                token = next(tokens)
            continue
        yield from ((_as_looked_up(found[1]), "") for found in CONSTANT.finditer(token.contents) if found[1])
        if tag in (*LINE, *BLOCK) and "context" in token.split_contents():
            raise Wrong(f"{where}: contexts are not collected; make the English text unambiguous")
        if tag in LINE:
            argument = token.split_contents()[1]
            if re.fullmatch(LITERAL, argument):
                yield _as_looked_up(argument), ""
            elif argument[0] in "\"'":
                raise Wrong(f"{where}: {argument}: filter what {{% {tag} ... as name %}} gives, not the message")
        elif tag in BLOCK:
            yield _in_block(token, tokens, where)


def _as_looked_up(literal: str) -> str:
    """Return the literal as Django looks it up: Django first doubles the percent signs of a literal in a template."""
    return str(unescape_string_literal(literal)).replace("%", "%%")


def _in_block(opened: Token, tokens: Iterator[Token], where: str) -> tuple[str, str]:
    options = opened.split_contents()
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if token.token_type == TokenType.BLOCK and token.contents.strip() == "plural" and "count" in options and len(parts) == 1:
            parts.append([])
        elif token.token_type == TokenType.BLOCK and token.contents.strip() == f"end{options[0]}":
            break
        elif token.token_type in (TokenType.BLOCK, TokenType.COMMENT):
            raise Wrong(f"{where}: {{% {options[0]} %}} may hold text and variables only, not {token.contents!r}")
        elif token.token_type == TokenType.VAR and not token.contents.isidentifier():
            raise Wrong(f"{where}: {{{{ {token.contents} }}}} would stay empty; name it: {{% {options[0]} with name={token.contents} %}}")
        else:
            parts[-1].append(token)
    if ("count" in options) != (len(parts) == 2):
        raise Wrong(f"{where}: `count` and {{% plural %}} go together")
    node = BlockTranslateNode({}, parts[0], trimmed="trimmed" in options)
    singular, plural = [str(node.render_token_list(part)[0]) for part in (parts[0], parts[1] if len(parts) == 2 else [])]
    if "\n" in singular + plural or (singular, plural) != (singular.strip(), plural.strip()):
        raise Wrong(f"{where}: say {{% {options[0]} trimmed ... %}}, so that the message has no line breaks of the template")
    return singular, plural


def merge(messages: dict[str, Message], old: polib.POFile) -> polib.POFile:
    """Return a catalogue of exactly these messages, with their translations from the old catalogue."""
    fresh = polib.POFile(wrapwidth=130)
    fresh.metadata = dict(METADATA)
    known = {entry.msgid: entry for entry in old if not entry.obsolete}
    for text, message in sorted(messages.items()):
        entry = polib.POEntry(msgid=text, occurrences=[(name, "") for name in sorted(message.files)])
        before = known.get(text)
        if message.plural:
            entry.msgid_plural = message.plural
            entry.msgstr_plural = {0: before.msgstr_plural.get(0, "") or before.msgstr if before else ""}
        else:
            entry.msgstr = before.msgstr or before.msgstr_plural.get(0, "") if before else ""
        if before:
            entry.tcomment = before.tcomment
        if "%(" in text + message.plural:
            entry.flags = ["python-format"]
        fresh.append(entry)
    return fresh


def problems(messages: dict[str, Message], po: polib.POFile, mo: bytes) -> list[str]:
    """Return what is missing or wrong in the catalogue; empty if it is complete."""
    said = []
    known = {entry.msgid: entry for entry in po if not entry.obsolete}
    said += [f"missing: {text!r}" for text in messages if text not in known]
    said += [f"obsolete: {entry.msgid!r}" for entry in po if entry.obsolete or entry.msgid not in messages]
    for text, entry in known.items():
        translated = entry.msgstr_plural.get(0, "") if entry.msgid_plural else entry.msgstr
        if entry.fuzzy:
            said.append(f"fuzzy: {text!r}")
        if text in messages and entry.msgid_plural != messages[text].plural:
            said.append(f"the plural has changed: {text!r}")
        if not translated.strip():
            said.append(f"not translated: {text!r}")
        elif _placeholders(translated) != _placeholders(entry.msgid_plural or text):
            said.append(f"placeholders differ: {text!r}")
        elif "python-format" in entry.flags and not _formats(translated):
            said.append(f"cannot be filled in, a percent sign is written %%: {text!r}")
    if mo != po.to_binary():
        said.append("the .mo is not compiled from this .po")
    return said


def _placeholders(text: str) -> list[str]:
    return sorted(found[0] for found in PLACEHOLDER.finditer(text.replace("%%", "")))


def _formats(text: str) -> bool:
    try:
        text % dict.fromkeys(re.findall(r"%\((\w+)\)", text), 1)
    except (ValueError, TypeError):
        return False
    return True


def main(arguments: list[str] | None = None, source: Path = SOURCE) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--check", action="store_true", help="change nothing; fail when the catalogue is not complete")
    check = parser.parse_args(arguments).check
    path = source / PACKAGE / "locale" / "ja" / "LC_MESSAGES" / "django.po"
    compiled = path.with_suffix(".mo")
    try:
        messages = collect(source)
    except Wrong as error:
        print(error, file=sys.stderr)
        return 1
    old = polib.pofile(str(path)) if path.exists() else polib.POFile()
    if check:
        said = problems(messages, old, compiled.read_bytes() if compiled.exists() else b"")
        print("\n".join(said) or f"{len(messages)} messages, all translated", file=sys.stderr if said else sys.stdout)
        return 1 if said else 0
    fresh = merge(messages, old)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh.save(str(path))
    # Compiled from the file that was read back, so that --check compares the same content.
    compiled.write_bytes(polib.pofile(str(path)).to_binary())
    left = sum(1 for entry in fresh if not (entry.msgstr or entry.msgstr_plural.get(0)))
    print(f"{len(fresh)} messages, {left} not translated yet")
    return 0


if __name__ == "__main__":
    sys.exit(main())

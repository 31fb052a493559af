"""The tool collects from a template exactly the messages that Django looks up when it renders the template."""

import importlib.util
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import polib
import pytest
from django.template import Context, Engine
from django.test import override_settings
from django.utils import translation

ROOT = Path(__file__).resolve().parents[2]

TEMPLATES = {
    "a sentence": '{% translate "Nothing to do." %}',
    "the old names of the tags": "{% trans 'Nothing' %} {% blocktrans %}to do{% endblocktrans %}",
    "a quotation mark": r'{% translate "the \"main\" bucket" %}',
    "percent": '{% translate "100% done" %} {% translate "5%% off" %} {{ _("7% left") }}',
    "percent in a block": "{% blocktranslate %}100% of {{ name }}{% endblocktranslate %}",
    "kept in a variable": '{% translate "later" as text %}{{ text }}',
    "only marked": '{% translate "marked" noop as text %}{% translate text %}',
    "filtered": '{{ ""|default:_("nothing here") }} {{ _("first")|upper }}',
    "in a tag": '{% if _("yes") == "x" %}{% else %}{% with word=_("other | bar") %}{{ word }}{% endwith %}{% endif %}',
    "trimmed": "{% blocktranslate trimmed %}\n    Two lines\n      for {{ name }}.\n\n    And one.\n{% endblocktranslate %}",
    "counted": "{% blocktranslate trimmed count n=number %}\n {{ n }} day\n of {{ name }}{% plural %}\n {{ n }} days\n of {{ name }}\n"
    "{% endblocktranslate %}",
    "with a name": "{% blocktranslate with who=name|upper %}By {{ who }}{% endblocktranslate %}",
    "in the options": '{% blocktranslate with who=none|default:_("someone") asvar t %}By {{ who }}{% endblocktranslate %}{{ t }}',
    "Japanese and emoji": '{% translate "録音 🎧 — “ok”" %}',
}

REFUSED = {
    "contexts": '{% translate "May" context "month" %}',
    "unambiguous": '{% blocktranslate context "month" %}May{% endblocktranslate %}',
    "filter what": '{% translate "text"|upper %}',
    "may hold text and variables only": "{% blocktranslate %}a {% if b %}c{% endif %}{% endblocktranslate %}",
    "not 'a remark'": "{% blocktranslate %}a {# a remark #}{% endblocktranslate %}",
    "would stay empty": "{% blocktranslate %}By {{ person.name }}{% endblocktranslate %}",
    "name=person|upper": "{% blocktranslate %}By {{ person|upper }}{% endblocktranslate %}",
    "trimmed": "{% blocktranslate %}\n  a\n{% endblocktranslate %}",
    "go together": "{% blocktranslate count n=number %}a{% endblocktranslate %}",
}

LEFT_ALONE = [
    '{% comment %}{% translate "no" %}{{ _("no") }}{% endcomment %}',
    '{# {% translate "no" %} #}',
    '{% verbatim %}{% translate "no" %}{% endverbatim %}',
    "{% translate variable %}",
    '<p title="_(no)">_("no")</p>',
    """{% url 'x' name="_('no')" %}""",
]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tool_messages", ROOT / "tools/messages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        folder = tmp_path / "app" / "templates" / "app"
        folder.mkdir(parents=True)
        (folder / "page.html").write_text("{% load i18n %}" + text)
        return tmp_path

    return write


@pytest.mark.parametrize("text", TEMPLATES.values(), ids=TEMPLATES)
def test_every_message_of_a_template_is_found_again_when_it_is_rendered(text: str, tool: ModuleType, write: Callable[[str], Path]) -> None:
    source = write(text)
    messages = tool.collect(source)
    assert messages
    locale = _catalogue(tool.merge(messages, polib.POFile()), source)
    template = Engine(libraries={"i18n": "django.templatetags.i18n"}).from_string("{% load i18n %}" + text)
    for number in (1, 2):
        with override_settings(LOCALE_PATHS=[locale]), translation.override("ja"):
            said = template.render(Context({"name": "Ann", "number": number, "none": None}))
        while inner := re.search("«[^«»]+»", said):
            said = said.replace(inner[0], "")
        assert said.strip() == "", "not translated"


def _catalogue(po: polib.POFile, folder: Path) -> Path:
    """Write a catalogue in which each message is translated by its own text in « »."""
    for entry in po:
        entry.msgstr = "" if entry.msgid_plural else f"«{entry.msgid}»"
        entry.msgstr_plural = {0: f"«{entry.msgid_plural}»"} if entry.msgid_plural else {}
    path = folder / "locale" / "ja" / "LC_MESSAGES" / "django.mo"
    path.parent.mkdir(parents=True)
    path.write_bytes(po.to_binary())
    return folder / "locale"


@pytest.mark.parametrize("said", REFUSED)
def test_what_would_not_be_found_or_filled_in_is_refused(said: str, tool: ModuleType, write: Callable[[str], Path]) -> None:
    with pytest.raises(tool.Wrong) as error:
        tool.collect(write(REFUSED[said]))
    assert str(error.value).startswith("app/templates/app/page.html:1: ")
    assert said in str(error.value)


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_what_is_never_said_is_not_collected(text: str, tool: ModuleType, write: Callable[[str], Path]) -> None:
    assert tool.collect(write(text)) == {}


def test_a_message_of_python_and_template_is_one(tool: ModuleType, write: Callable[[str], Path]) -> None:
    source = write("{% blocktranslate count n=number %}{{ n }} day{% plural %}{{ n }} days{% endblocktranslate %}")
    (source / "app" / "a.py").write_text('ngettext("%(n)s day", "%(n)s days", 3)')
    (message,) = tool.collect(source).values()
    assert (message.text, message.plural) == ("%(n)s day", "%(n)s days")
    assert message.files == {"app/a.py", "app/templates/app/page.html"}


def test_a_context_in_python_is_refused(tool: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text('pgettext("month", "May")')
    with pytest.raises(tool.Wrong, match=r"a\.py:1: pgettext: contexts"):
        tool.collect(tmp_path)


@pytest.mark.parametrize(
    ("msgid", "ja", "problem"),
    [
        ("%(n)s days", "%(m)s 日", "placeholders differ"),
        ("100%% of %(n)s", "%(n)s の 100%", "percent sign"),
        ("100%% of %(n)s", "%(n)s の 100%%", ""),
    ],
)
def test_a_translation_that_cannot_be_filled_in_is_a_problem(msgid: str, ja: str, problem: str, tool: ModuleType) -> None:
    po = tool.merge({msgid: tool.Message(msgid)}, polib.POFile())
    po[0].msgstr = ja
    said = tool.problems({msgid: tool.Message(msgid)}, po, po.to_binary())
    assert [problem in text for text in said] == ([True] if problem else [])

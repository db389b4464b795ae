"""`longshort ask`."""

from __future__ import annotations

import json

from longshort.faq.questions import all_questions
from tests.commands import longshort, refused


def test_all_questions_are_listed() -> None:
    done = longshort("ask")
    assert done.returncode == 0
    assert all(each.question in done.stdout for each in all_questions())


def test_words_give_an_answer_and_a_command() -> None:
    done = longshort("ask", "how", "many", "hidden", "units")
    assert done.stdout.startswith("How many hidden units do I need?")
    assert "  longshort tune DATA --task TASK --question units" in done.stdout.splitlines()


def test_json_has_the_questions_whole() -> None:
    found = json.loads(longshort("ask", "units", "--json").stdout)
    assert [each["id"] for each in found["questions"]] == ["units"]
    assert len(json.loads(longshort("ask", "--json").stdout)["questions"]) == len(all_questions())


def test_words_without_a_question_are_refused() -> None:
    assert "`longshort ask` lists all" in refused("ask", "xyzzy")

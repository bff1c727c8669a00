"""Files and conditions that would exhaust the bot are refused, and nobody waits for them."""

import asyncio
import time
from pathlib import Path

import pytest

from bot import policy_file
from bot.approvals.model.errors import SettingsError
from bot.approvals.model.question import Item
from bot.approvals.rules.matching import ConditionFailed, Facts, Policies, Rule
from bot.approvals.services.policies.choice import PolicyChoice
from bot.policy_file.conditions import MAX_EXPRESSION_CHARACTERS, MAX_FACTS_CHARACTERS, Evaluator
from tests.support.builders import a_task
from tests.support.fakes.directory import FakeDirectory
from tests.support.fakes.world import CHANNEL, RITA, policy, question

pytestmark = pytest.mark.heavy

DEFAULTS = 'defaults: {approvers: ["@ops"]}\n'


def refusal(tmp_path: Path, text: str) -> str:
    path = tmp_path / "policies.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        policy_file.load(path)
    return str(refused.value).replace(str(path), "policies.yaml")


LAUGHS = "".join(
    f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 9) if number else 'ha'}]\n" for number in range(12)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (DEFAULTS + "rules: " + "[" * 3000 + "]" * 3000, "line 2: lists and mappings are nested more than 50"),
        (DEFAULTS + "rules: " + "[" * 3000, "line 2: lists and mappings are nested more than 50"),
        (DEFAULTS + "rules: " + "{a: " * 3000, "line 2: lists and mappings are nested more than 50"),
        ("\n".join(" " * depth + "a:" for depth in range(500)), "line 51: lists and mappings are nested"),
        ("\n".join(" " * depth + "-" for depth in range(500)), "line 51: lists and mappings are nested"),
        (DEFAULTS + LAUGHS, "this has more than 20,000 entries, with what its aliases repeat"),
        (DEFAULTS + "# " + "x" * 300_000, "this is too large: it has 300,0"),
        (DEFAULTS + "rules: [" + "1," * 21_000 + "1]", "line 2: this has more than 20,000 entries"),
        (DEFAULTS + f"rules: [{{name: a, match: {{when: '{'(' * 800}true{')' * 800}'}}}}]", 'key "rules.0.match.when"'),
        (
            DEFAULTS + f"rules: [{{name: a, match: {{when: '{'x + ' * MAX_EXPRESSION_CHARACTERS}1'}}}}]",
            "this is too long: it has 8,001",
        ),
        (DEFAULTS + "\x00", "this is not YAML"),
    ],
)
def test_a_file_that_is_too_large_or_too_deep_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    assert said in refusal(tmp_path, text)


def test_aliases_of_an_ordinary_file_are_no_matter(tmp_path: Path) -> None:
    path = tmp_path / "policies.yaml"
    path.write_text("defaults: &d {approvers: &who ['@ops']}\nrules: [{name: a, match: {graph: x}, approvers: *who}]\n")

    assert policy_file.load(path).rules[0].policy.stages[0].approvers == ("@ops",)


# --- Conditions ---------------------------------------------------------------------------------


def facts(**arguments: object) -> Facts:
    asked = question(Item(name="pay", arguments=arguments, verdicts=()))  # type: ignore[arg-type]
    return Facts(graph="payment", channel=CHANNEL, requester=RITA, inputs={}, question=asked)


MANY = list(range(4000))
BOMBS = [
    "arguments.a.all(x, arguments.b.exists(y, x == y))",
    "arguments.a.all(x, arguments.b.all(y, x + y >= 0 || x in arguments.b))",
    "size(arguments.a.map(x, arguments.b.map(y, [x, y, x, y]))) > 0",
    "arguments.a.exists(x, arguments.a.exists(y, arguments.a.exists(z, x + y + z < 0)))",
    "arguments.a.map(x, arguments.b).all(y, y == arguments.b)",
]


@pytest.mark.parametrize("expression", BOMBS)
def test_a_condition_that_takes_too_long_cannot_be_evaluated_and_the_next_one_can(expression: str) -> None:
    evaluator = Evaluator()
    asked = facts(a=MANY, b=[*MANY, -1])
    slow, fast = evaluator.compiled(expression), evaluator.compiled("size(arguments.a) == 4000")

    with pytest.raises(ConditionFailed, match="it takes too"):
        slow(asked, asked.question.items)

    assert fast(asked, asked.question.items) == [True]


async def test_the_event_loop_goes_on_while_a_condition_is_evaluated() -> None:
    """What stands still for a second would miss Slack's three, and the lease's renewal."""
    slow = Evaluator().compiled(BOMBS[0])
    policies = Policies(rules=(Rule(policy=policy(), when=slow, condition=BOMBS[0]),), otherwise=policy())
    policy_choice = PolicyChoice(policies=policies, directory=FakeDirectory())
    asked = facts(a=MANY, b=[-1, *MANY]).question
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.001)

    counting = asyncio.create_task(count())
    before = time.process_time()
    with pytest.raises(ConditionFailed, match="cannot be worked out: it takes too long"):
        await policy_choice.policy(a_task(), asked)
    counting.cancel()

    assert time.process_time() - before < 1.0  # the second's work was another process's
    assert turns > 50


def test_too_much_to_ask_about_cannot_be_evaluated() -> None:
    condition = Evaluator().compiled("size(arguments.text) > 0")
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]

    for asked, said in ((facts(text="x" * MAX_FACTS_CHARACTERS), "too large"), (facts(text=deep), "nested too deeply")):
        with pytest.raises(ConditionFailed, match=said):
            condition(asked, asked.question.items)
    some = facts(text="x")
    assert condition(some, some.question.items) == [True]


@pytest.mark.parametrize(
    "expression",
    [
        "[" * 900 + "]" * 900,
        "!" * 1999 + "x",
        "-" * 1990 + "1",
        "true?" * 300 + "1" + ":1" * 300,
        "{" * 500,
        "\x00",
        "",
        "\ud800",
    ],
)
def test_no_expression_ends_the_start_otherwise_than_by_its_own_error(expression: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Evaluator().compiled(f"{expression} && nothing")


def test_the_evaluator_gets_none_of_the_bots_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")
    evaluator = Evaluator()
    evaluator.compiled("true")

    assert evaluator._process is not None
    assert b"xoxb-secret" not in Path(f"/proc/{evaluator._process.pid}/environ").read_bytes()

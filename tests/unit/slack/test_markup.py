"""What Slack's clients make of what was typed is undone, to the letter."""

from __future__ import annotations

import pytest

from bot.slack import markup

NAMES = {"U0BOB": "bob", "C0OPS": "ops", "S0ONCALL": "on-call"}


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("a &amp; b &lt;c&gt;", "a & b <c>"),
        ("&amp;lt; stays, &amp;amp; too", "&lt; stays, &amp; too"),
        ("  path=logs ", "path=logs"),
        # addresses, hosts and files
        ("<http://example.com|example.com>", "example.com"),
        ("<http://deploy.py|deploy.py>", "deploy.py"),
        ("<http://example.com:8080/x|example.com:8080/x>", "example.com:8080/x"),
        ("<http://EXAMPLE.com/Path|EXAMPLE.com/Path>", "EXAMPLE.com/Path"),
        ("<http://example.com/|example.com>", "example.com"),
        ("<https://example.com/x?a=1|example.com/x?a=1>", "example.com/x?a=1"),
        ("<http://www.x.io?a=1&amp;b=2|www.x.io?a=1&amp;b=2>", "www.x.io?a=1&b=2"),
        ("<http://xn--bcher-kva.de|bücher.de>", "bücher.de"),
        ("<https://x.y/z>", "https://x.y/z"),
        ("<https://x.y/z?a=1&amp;b=2#c>", "https://x.y/z?a=1&b=2#c"),
        ("<https://x.y/z|https://x.y/z>", "https://x.y/z"),
        ("<https://x.y/?q=a%7Cb|https://x.y/?q=a|b>", "https://x.y/?q=a|b"),
        ("<http://a.com|a.com><http://b.com|b.com>", "a.comb.com"),
        ("<http://a.com|a.com> <https://b.com>, (<http://c.com|c.com>)", "a.com https://b.com, (c.com)"),
        ("<https://wiki.x/run|the runbook>", "https://wiki.x/run"),
        ("<https://evil.example|good.example>", "https://evil.example"),
        # other schemes
        ("to <mailto:a@example.com|a@example.com> now", "to a@example.com now"),
        ("<mailto:a@example.com>", "mailto:a@example.com"),
        ("<tel:+15551234567|+1 555 123 4567>", "+1 555 123 4567"),
        ("<slack://channel?team=T1&amp;id=C1>", "slack://channel?team=T1&id=C1"),
        ("<ftp://files.x/y>", "ftp://files.x/y"),
        # people, channels, groups, everybody
        ("<@U0BOB> in <#C0OPS> with <!subteam^S0ONCALL>", "@bob in #ops with @on-call"),
        ("<@U0BOB|robert> in <#C0OPS|ops-new> with <!subteam^S0ONCALL|@heads>", "@robert in #ops-new with @heads"),
        ("<#C0OPS|>", "#ops"),
        ("<@U0NOBODY> in <#C0NOWHERE>", "@U0NOBODY in #C0NOWHERE"),
        ("<!here> <!channel|channel> <!everyone|@everyone>", "@here @channel @everyone"),
        ("<!date^1392734382^{date} at {time}|Feb 18, 2014 at 6:39 AM>", "Feb 18, 2014 at 6:39 AM"),
        ("<!unknown^x|as it was>", "as it was"),
        # code
        ("`a &lt; b` and ```x &amp;&amp; <https://x.y>```", "`a < b` and ```x && https://x.y```"),
    ],
)
def test_what_was_typed_is_what_it_was_before_slack_wrote_it(written: str, typed: str) -> None:
    assert markup.typed(written, NAMES) == typed


def test_the_names_that_are_missing_are_known_each_once() -> None:
    written = "<@U1> <@U1> <@U2|two> <#C1> <#C2|> <!subteam^S1> <!subteam^S2|@x> <!here> <https://x.y> &lt;@U3&gt;"

    assert markup.unnamed(written) == ("U1", "C1", "C2", "S1")


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("note=<@U0BOB|bob>", True),
        ("note=<#C0OPS|ops>", True),
        ("note=<http://x.y|x.y>", True),
        ("note=<mailto:a@b.c|a@b.c>", True),
        ("note=<!here>", True),
        ("note=<b> x=&lt;", False),
        ("a < b > c", False),
        ("note=List<String>", False),
    ],
)
def test_a_command_says_by_itself_whether_it_is_marked_up(text: str, marked: bool) -> None:
    assert markup.marked(text) is marked

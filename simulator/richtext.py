"""A table of the parts of rich_text (Slack: Block Kit reference, "Rich text block")."""

from collections.abc import Mapping
from typing import Final

from simulator.schema import Choice, Fields, Flag, Items, Kinds, Number, Spec, Str, fields

_STYLE: Final = fields(
    bold=Flag(),
    italic=Flag(),
    strike=Flag(),
    code=Flag(),
    underline=Flag(),
    highlight=Flag(),
    client_highlight=Flag(),
    unlink=Flag(),
)


def _part(**required: Spec) -> Fields:
    return fields(required, style=_STYLE)


INLINE: Final = Kinds(
    {
        "text": _part(text=Str(None, 1)),
        "link": fields({"url": Str(None, 1)}, text=Str(None, 0), unsafe=Flag(), style=_STYLE),
        "user": _part(user_id=Str()),
        "channel": _part(channel_id=Str()),
        "usergroup": _part(usergroup_id=Str()),
        "team": _part(team_id=Str()),
        "emoji": fields({"name": Str()}, unicode=Str(), skin_tone=Number(), style=_STYLE),
        "broadcast": _part(range=Choice(("here", "channel", "everyone"))),
        "color": _part(value=Str()),
        "date": fields({"timestamp": Number(), "format": Str()}, url=Str(), fallback=Str(), style=_STYLE),
    }
)
_PREFORMATTED_INLINE: Final = Kinds({name: INLINE.kinds[name] for name in ("text", "link")})
_SECTION: Final = fields({"elements": Items(INLINE, least=0)})

PARTS: Final[Mapping[str, Fields]] = {
    "rich_text_section": _SECTION,
    "rich_text_preformatted": fields(
        {"elements": Items(_PREFORMATTED_INLINE, least=0)}, border=Number(0, 1), language=Str()
    ),
    "rich_text_quote": fields({"elements": Items(INLINE, least=0)}, border=Number(0, 1)),
    "rich_text_list": fields(
        {
            "style": Choice(("bullet", "ordered")),
            "elements": Items(Kinds({"rich_text_section": _SECTION}), least=0),
        },
        indent=Number(0, 8),
        offset=Number(0),
        border=Number(0, 1),
    ),
}

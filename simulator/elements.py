"""Tables of the elements that blocks are made of (Slack: Block Kit reference, "Block elements")."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from simulator import limits
from simulator.schema import (
    DATE,
    TIME,
    Anything,
    Choice,
    Fields,
    Flag,
    Items,
    Kinds,
    Number,
    Spec,
    Str,
    Text,
    at,
    fields,
)

CONFIRM: Final = fields(
    {
        "title": Text(limits.CONFIRM_TITLE),
        "text": Text(limits.CONFIRM_TEXT, mrkdwn=True),
        "confirm": Text(limits.CONFIRM_BUTTON),
        "deny": Text(limits.CONFIRM_BUTTON),
    },
    style=Choice(("primary", "danger")),
)
OPTION: Final = fields(
    {"text": Text(limits.OPTION_TEXT), "value": Str(limits.OPTION_VALUE)},
    description=Text(limits.OPTION_DESCRIPTION),
    url=Str(limits.BUTTON_URL),
)
MRKDWN_OPTION: Final = fields(
    {"text": Text(limits.OPTION_TEXT, mrkdwn=True), "value": Str(limits.OPTION_VALUE)},
    description=Text(limits.OPTION_DESCRIPTION, mrkdwn=True),
)
OPTION_GROUP: Final = fields({"label": Text(limits.OPTION_TEXT), "options": Items(OPTION, limits.SELECT_OPTIONS)})
DISPATCH: Final = fields(trigger_actions_on=Items(Choice(("on_enter_pressed", "on_character_entered"))))
FILTER: Final = fields(
    include=Items(Choice(("im", "mpim", "private", "public"))),
    exclude_external_shared_channels=Flag(),
    exclude_bot_users=Flag(),
)
SLACK_FILE: Final = fields(id=Str(), url=Str())

_ACTION: Final[Mapping[str, Spec]] = {"action_id": Str(limits.ACTION_ID)}
_INPUT: Final[Mapping[str, Spec]] = {
    **_ACTION,
    "placeholder": Text(limits.PLACEHOLDER),
    "focus_on_load": Flag(),
    "confirm": CONFIRM,
}
_MANY: Final[Mapping[str, Spec]] = {**_INPUT, "max_selected_items": Number(1)}
_STATIC: Final[Mapping[str, Spec]] = {
    "options": Items(OPTION, limits.SELECT_OPTIONS),
    "option_groups": Items(OPTION_GROUP, limits.OPTION_GROUPS),
}


def _typed(most: int | None = None) -> Fields:
    return fields(**_INPUT, initial_value=Str(most, 0), dispatch_action_config=DISPATCH)


def _static(shape: Fields) -> Fields:
    return replace(shape, one_of=frozenset({"options", "option_groups"}))


BUTTON: Final = fields(
    {"text": Text(limits.BUTTON_TEXT)},
    **_ACTION,
    value=Str(limits.BUTTON_VALUE),
    url=Str(limits.BUTTON_URL),
    style=Choice(("primary", "danger")),
    confirm=CONFIRM,
    accessibility_label=Str(limits.ACCESSIBILITY_LABEL),
)
IMAGE: Final = Fields(
    {
        "alt_text": Str(limits.IMAGE_ALT_TEXT),
        "image_url": Str(limits.IMAGE_URL),
        "slack_file": SLACK_FILE,
    },
    frozenset({"alt_text"}),
    frozenset({"image_url", "slack_file"}),
)

ELEMENTS: Final[Mapping[str, Fields]] = {
    "button": BUTTON,
    "image": IMAGE,
    "checkboxes": fields(
        {"options": Items(MRKDWN_OPTION, limits.CHECKBOX_OPTIONS)}, **_INPUT, initial_options=Items(MRKDWN_OPTION)
    ),
    "radio_buttons": fields(
        {"options": Items(MRKDWN_OPTION, limits.RADIO_OPTIONS)}, **_INPUT, initial_option=MRKDWN_OPTION
    ),
    "datepicker": fields(**_INPUT, initial_date=DATE),
    "timepicker": fields(**_INPUT, initial_time=TIME, timezone=Str()),
    "datetimepicker": fields(**_INPUT, initial_date_time=Number(1)),
    "overflow": fields({"options": Items(OPTION, limits.OVERFLOW_OPTIONS)}, **_ACTION, confirm=CONFIRM),
    "static_select": _static(fields(**_INPUT, **_STATIC, initial_option=OPTION)),
    "multi_static_select": _static(fields(**_MANY, **_STATIC, initial_options=Items(OPTION, limits.SELECT_OPTIONS))),
    "external_select": fields(**_INPUT, min_query_length=Number(0), initial_option=OPTION),
    "multi_external_select": fields(**_MANY, min_query_length=Number(0), initial_options=Items(OPTION)),
    "users_select": fields(**_INPUT, initial_user=Str()),
    "multi_users_select": fields(**_MANY, initial_users=Items(Str())),
    "conversations_select": fields(
        **_INPUT,
        initial_conversation=Str(),
        default_to_current_conversation=Flag(),
        response_url_enabled=Flag(),
        filter=FILTER,
    ),
    "multi_conversations_select": fields(
        **_MANY, initial_conversations=Items(Str()), default_to_current_conversation=Flag(), filter=FILTER
    ),
    "channels_select": fields(**_INPUT, initial_channel=Str(), response_url_enabled=Flag()),
    "multi_channels_select": fields(**_MANY, initial_channels=Items(Str())),
    "plain_text_input": fields(
        **_INPUT,
        initial_value=Str(limits.PLAIN_TEXT_INPUT, 0),
        multiline=Flag(),
        min_length=Number(0, limits.PLAIN_TEXT_INPUT),
        max_length=Number(1, limits.PLAIN_TEXT_INPUT),
        dispatch_action_config=DISPATCH,
    ),
    "email_text_input": _typed(),
    "url_text_input": _typed(),
    "number_input": fields(
        {"is_decimal_allowed": Flag()},
        **_INPUT,
        initial_value=Str(None, 0),
        min_value=Str(),
        max_value=Str(),
        dispatch_action_config=DISPATCH,
    ),
    "rich_text_input": fields(**_INPUT, initial_value=Anything(), dispatch_action_config=DISPATCH),
    "file_input": fields(**_ACTION, filetypes=Items(Str()), max_files=Number(1, limits.FILE_INPUT_FILES)),
    "workflow_button": fields({"text": Text(limits.BUTTON_TEXT), "workflow": Anything()}, **_ACTION, style=Str()),
    "feedback_buttons": fields({"positive_button": Anything(), "negative_button": Anything()}, **_ACTION),
    "icon_button": fields(
        {"icon": Str(), "text": Text(limits.BUTTON_TEXT)},
        **_ACTION,
        value=Str(limits.BUTTON_VALUE),
        accessibility_label=Str(limits.ACCESSIBILITY_LABEL),
        visible_to_user_ids=Items(Str()),
        confirm=CONFIRM,
    ),
}

SELECTS: Final = (
    "static_select",
    "external_select",
    "users_select",
    "conversations_select",
    "channels_select",
    "multi_static_select",
    "multi_external_select",
    "multi_users_select",
    "multi_conversations_select",
    "multi_channels_select",
)
PICKERS: Final = ("checkboxes", "radio_buttons", "datepicker", "timepicker")
INPUTS: Final = (
    *SELECTS,
    *PICKERS,
    "datetimepicker",
    "plain_text_input",
    "email_text_input",
    "url_text_input",
    "number_input",
    "rich_text_input",
    "file_input",
)


def kinds(*names: str) -> Kinds:
    """Any of the named elements."""
    return Kinds({name: ELEMENTS[name] for name in names})


IN_SECTION: Final = kinds("button", "image", "overflow", "workflow_button", *SELECTS, *PICKERS)
IN_ACTIONS: Final = kinds(
    "button", "overflow", "workflow_button", "datetimepicker", "rich_text_input", *SELECTS[:5], *PICKERS
)
IN_INPUT: Final = kinds(*INPUTS)
IN_CONTEXT_ACTIONS: Final = kinds("feedback_buttons", "icon_button")

_RANGES: Final = (("min_length", "max_length"), ("min_value", "max_value"))


def contradictions(element: Mapping[str, Any], pointer: str) -> Iterator[str]:
    """Mistakes in an element of the right shape: a chosen option that is not offered, or a reversed range."""
    on_offer = options(element)
    chosen = [element["initial_option"]] if "initial_option" in element else element.get("initial_options") or []
    if on_offer and not all(one in on_offer for one in chosen):
        yield at(pointer, "the initial option must be one of the options provided")
    most = element.get("max_selected_items")
    if isinstance(most, int) and len(chosen) > most:
        yield at(pointer, f"no more than {most} options may be chosen")
    for low, high in _RANGES:
        if low in element and high in element and _number(element[low]) > _number(element[high]):
            yield at(pointer, f"`{low}` must not be above `{high}`")


def options(element: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All options of a menu, including those in groups."""
    grouped = [option for group in element.get("option_groups") or [] for option in group["options"]]
    return [*(element.get("options") or []), *grouped]


def _number(value: Any) -> float:
    try:
        return float(value)
    except ValueError:
        return 0.0

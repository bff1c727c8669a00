"""Slack's limits in one table, each with its source. Lengths of texts and ids are in characters."""

from typing import Final

# Slack: Block Kit reference, "Blocks"
BLOCKS_PER_MESSAGE: Final = 50
BLOCKS_PER_VIEW: Final = 100
BLOCK_ID: Final = 255
SECTION_TEXT: Final = 3000
SECTION_FIELDS: Final = 10
SECTION_FIELD_TEXT: Final = 2000
HEADER_TEXT: Final = 150
CONTEXT_ELEMENTS: Final = 10
ACTIONS_ELEMENTS: Final = 25
CONTEXT_ACTIONS_ELEMENTS: Final = 5
INPUT_LABEL: Final = 2000
INPUT_HINT: Final = 2000
IMAGE_URL: Final = 3000
IMAGE_ALT_TEXT: Final = 2000
IMAGE_TITLE: Final = 2000
VIDEO_TITLE: Final = 200
ALERT_TEXT: Final = 200
MARKDOWN_TEXT_PER_PAYLOAD: Final = 12_000
TABLE_ROWS: Final = 100
TABLE_COLUMNS: Final = 20
TABLE_CHARACTERS_PER_MESSAGE: Final = 10_000
TABLES_PER_MESSAGE: Final = 1

# Slack: Block Kit reference, "Block elements"
ACTION_ID: Final = 255
BUTTON_TEXT: Final = 75
BUTTON_VALUE: Final = 2000
BUTTON_URL: Final = 3000
ACCESSIBILITY_LABEL: Final = 75
PLACEHOLDER: Final = 150
PLAIN_TEXT_INPUT: Final = 3000
SELECT_OPTIONS: Final = 100
OPTION_GROUPS: Final = 100
OVERFLOW_OPTIONS: Final = 5
CHECKBOX_OPTIONS: Final = 10
RADIO_OPTIONS: Final = 10
FILE_INPUT_FILES: Final = 10

# Slack: Block Kit reference, "Composition objects"
OPTION_TEXT: Final = 75
OPTION_VALUE: Final = 150
OPTION_DESCRIPTION: Final = 75
CONFIRM_TITLE: Final = 100
CONFIRM_TEXT: Final = 300
CONFIRM_BUTTON: Final = 30

# Slack: "Views" reference
VIEW_TITLE: Final = 24
VIEW_BUTTON: Final = 24
VIEW_CALLBACK_ID: Final = 255
VIEW_EXTERNAL_ID: Final = 255
VIEW_PRIVATE_METADATA: Final = 3000
VIEW_BYTES: Final = 250 * 1024
VIEW_STACK: Final = 3

# Slack: chat.postMessage and chat.update references
MESSAGE_TEXT_TRUNCATED_AT: Final = 40_000
UPDATE_TEXT: Final = 4000
# Not documented: reports say that `msg_blocks_too_long` begins near here.
MESSAGE_BLOCKS_CHARACTERS: Final = 13_000
METADATA_BYTES: Final = 16 * 1024
ATTACHMENTS: Final = 100
EMOJI_PER_MESSAGE: Final = 50  # our own number: Slack documents `too_many_emoji` without a limit

# Slack: chat.scheduleMessage reference, "Restrictions"
SCHEDULE_SECONDS: Final = 120 * 24 * 3600
SCHEDULE_PER_WINDOW: Final = 30
SCHEDULE_WINDOW_SECONDS: Final = 5 * 60

# Slack: conversations.create, conversations.setTopic and conversations.open references
CHANNEL_NAME: Final = 80
CHANNEL_TOPIC: Final = 250
DIRECT_PEOPLE: Final = 8

# Slack: "Handling user interaction"
TRIGGER_SECONDS: Final = 3.0
ACKNOWLEDGE_SECONDS: Final = 3.0
RESPONSE_URL_USES: Final = 5
RESPONSE_URL_SECONDS: Final = 30 * 60.0

# Slack: "Using Socket Mode" and "Events API"
SOCKETS: Final = 10
TICKET_SECONDS: Final = 30.0
REFRESH_SECONDS: Final = 10.0
PING_SECONDS: Final = 10.0  # our own number; @slack/socket-mode gives up after 30 s of silence
EVENT_RETRY_DELAYS_SECONDS: Final = (0.0, 60.0, 300.0)

# Slack: "Rate limits"
POSTS_PER_SECOND: Final = 1.0
POST_BURST: Final = 5

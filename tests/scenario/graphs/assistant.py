"""The assistant that ships, with a model that is scripted: it writes a note and mails it, then says what came of it."""

from langchain_core.messages import AIMessage

from graphs import assistant, drafting
from tests.shapes.agents import ScriptedModel, calls

NOTE = ("write_file", {"path": "notes/ada.md", "text": "Welcome"})
MAIL = ("send_email", {"to": "ada@example.org", "subject": "Welcome", "text": "Hello Ada"})


def graph() -> object:
    drafting.model = lambda **options: ScriptedModel(script=[calls(NOTE, MAIL), AIMessage(content="Both are done.")])
    return assistant.graph()

"""Approvals inside other frameworks. Each module imports its framework only when it is used.

`crewai`, `google_adk`, `langgraph`, `openai_agents` and `pydantic_ai` work alike. They ask people about each call of a
tool that waits for approval, and give the framework its own kind of answer. What they hold to:

- Only an approval runs a tool. A rejection, silence, a withdrawn request and empty words never do.
- What people approved is what runs: their edits reach the tool, or the call is refused.
- An approval runs once. It is consumed before the framework goes on, so a saved run that is resumed a second time
  raises AlreadyConsumed.
"""

"""A company's own approval page: what waits, and votes by the person who is signed in. README.md says how to run it."""

from __future__ import annotations

import os

import streamlit as st

from countersign import Countersign, Problem, Request

client = Countersign.from_environment()


def signed_in() -> str | None:
    """The e-mail address or Slack id of who looks at the page."""
    if getattr(st.user, "is_logged_in", False):
        return str(st.user.email)
    return os.environ.get("PORTAL_PERSON")


def shown(request: Request, person: str) -> None:
    """One request, in full, with its buttons. `items` has what a vote is for: people may have edited what was asked."""
    with st.container(border=True):
        st.subheader(", ".join(each.name for each in request.items if each.name) or str(request.question))
        for each in request.items:
            if each.arguments:
                st.json(dict(each.arguments))
        until = f", until {request.deadline:%d %B %H:%M} UTC" if request.deadline else ""
        st.caption(f"Asked by {request.source.name}{until}")
        st.text_input("Reason", key=f"reason {request.id}")
        for verdict, column in zip(("approve", "reject"), st.columns(2), strict=True):
            # A callback gets what this run of the page showed. After the click the page is run again, and reads anew.
            column.button(
                verdict.capitalize(), key=f"{verdict} {request.id}", on_click=vote, args=(request, person, verdict)
            )


def vote(request: Request, person: str, verdict: str) -> None:
    """Votes on exactly what the person saw: the version and the digest are those of the request that was shown."""
    reason = st.session_state[f"reason {request.id}"] or None
    try:
        client.vote(
            request.id,
            person=person,
            version=request.version,
            digest=request.digest or "",
            verdict=verdict,
            reason=reason,
        )
    except Problem as problem:
        st.session_state["told"] = str(problem)
    else:
        st.session_state["told"] = f"You said {verdict}."


st.title("Approvals")
who = signed_in()
if who is None:
    st.warning("Sign in to answer.")
    st.stop()
st.caption(f"You are {who}")
if told := st.session_state.pop("told", None):
    st.info(told)
waiting = client.list(status="pending").data
if not waiting:
    st.caption("Nothing waits.")
for each in waiting:
    if each.digest is not None:  # people are asked by now
        shown(each, who)

"""Modals: what they show, and what somebody filled in. Pure."""

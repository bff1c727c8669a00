"""Forms: JSON Schemas as inputs of a modal, and back. Pure."""

"""The rules, pure: records and a time in, the next record or a refusal out."""

"""What goes on only if a person acts: found by looking at everything again, and told once in the operators' channel.

`sweep` compares the troubles on record with what its sources see now: `records`, `policies`, `servers` and `chain`,
each of them a `source`. `telling` keeps one message for each trouble.
"""

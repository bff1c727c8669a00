"""The process: its work, its life, and how processes speak with each other.

What a process does: `work_queue` and `ticker`. How it lives and ends: `process`, `line`, `health`, `logs` with
`entries` and `outlet`, `prints`. Which processes there are: `one_bot`, `supervisor` and `children`. What they tell each
other: `hints`. How an operator has a changed file used: `control`, `reloads` and `handover`.
"""

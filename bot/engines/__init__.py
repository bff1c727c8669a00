"""How agents are started, read and resumed."""

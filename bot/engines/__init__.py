"""How agents are started, read and resumed. Each engine is a package behind the Engine port."""

"""What a gateway does for agents on LangGraph Servers: `serving` drives their tasks, and `lookouts` sees what others
change there."""

"""Who may answer: names looked up, people checked, and what is missing."""

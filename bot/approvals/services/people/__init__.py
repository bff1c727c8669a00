"""Who may answer: looks up names, checks people, and finds what is missing."""

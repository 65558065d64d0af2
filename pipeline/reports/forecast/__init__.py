"""How much of each task a whole manifest will give, and what that takes, by a pilot."""

"""What the pages of optimisations show: the form, the leaderboard, the heat map."""

"""The house rules that no linter knows: sizes, bans, dead files and dead code, links, targets. Each test names who breaks it."""

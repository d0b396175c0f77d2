"""The words that every room uses: places in a source, diagnostics, verdicts, budgets. Imports nothing of ours."""

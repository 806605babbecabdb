"""The bench: every figure of the project against a limit that is measured in the same run.

Rules
1. A figure is a value with its unit, a limit, and the ratio value / limit; whether a higher or a lower ratio is better, and the
   aim, stand beside it. The bench reports and never fails because of a figure.
2. Real parts: anvil, separate node processes, real HTTP, real databases.
3. ``--quick`` measures the same with smaller numbers.
"""

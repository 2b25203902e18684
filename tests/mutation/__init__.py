"""Mutation testing: one small mistake at a time is put into the library, and a test must notice.

``python -m tests.mutation`` (see `tests.mutation.__main__`). mutmut invents the mistakes; a process
that has NumPy, pytest and Keras imported already is forked for each of them, which runs the tests
that reach the damaged statement, the quick ones first.

Not to be confused with `tests.verify.mutants`, which damages notebooks.
"""

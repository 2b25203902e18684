"""Measures the built pages against what issue 6 wants of them: ``python3 make.py audit``."""

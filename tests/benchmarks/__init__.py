"""The measurements behind the numbers that the README claims."""

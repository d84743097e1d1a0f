"""Runs the same tests on one stack after the other, to show that a change of component files changes nothing else."""

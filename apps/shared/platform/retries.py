"""How long a saga tries a step that fails: the two policies that there are."""

from datetime import timedelta

from dapr.ext.workflow import RetryPolicy
from dapr.ext.workflow._durabletask.task import TaskFailedError as StepFault

__all__ = ["StepFault", "bounded_retries", "endless_retries"]

_FIRST_WAIT = timedelta(milliseconds=250)
_LONGEST_WAIT = timedelta(seconds=15)


def bounded_retries() -> RetryPolicy:
    """For a step forward: about ten minutes of trying, with waits from 0.25 s doubling to 15 s; then StepFault."""
    return RetryPolicy(
        first_retry_interval=_FIRST_WAIT,
        max_number_of_attempts=45,
        backoff_coefficient=2.0,
        max_retry_interval=_LONGEST_WAIT,
    )


def endless_retries() -> RetryPolicy:
    """For a compensation: what was taken must be given back, so it is tried until it works (a billion times)."""
    return RetryPolicy(
        first_retry_interval=_FIRST_WAIT,
        max_number_of_attempts=1_000_000_000,
        backoff_coefficient=2.0,
        max_retry_interval=_LONGEST_WAIT,
    )

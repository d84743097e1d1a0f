"""What every saga step is told."""

from pydantic import BaseModel, ConfigDict


class StepInput(BaseModel):
    """A command to a saga step. It names its order; ids, not documents, since workflow history keeps every input."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    order_id: str


class StepOutcome(BaseModel):
    """What a step did. `refusal` is None when it was done, else the failure code that the order ends with.

    `step` is its name, which the worker adds. Histories from before it did name none.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    refusal: str | None = None
    message: str = ""
    step: str = ""

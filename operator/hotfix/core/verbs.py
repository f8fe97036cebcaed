"""What a person can ask for by annotation, and the answer as the status has it. Data only."""

from enum import StrEnum

from pydantic import Field

from .fields import Model, Moment, Sentence, Short


class Verb(StrEnum):
    """What a person can ask for by annotation."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"
    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry"
    RETRY_SAME = "retry-same"
    RELEASE = "release"
    ACKNOWLEDGE = "acknowledge"


RETRIES = (Verb.RETRY, Verb.RETRY_SAME)


class RequestResult(StrEnum):
    """What became of a request."""

    WAITING = "Waiting"
    ACCEPTED = "Accepted"
    REFUSED = "Refused"


class HandledRequest(Model):
    """The newest request of a person, and the answer to it."""

    request: Short = Field(description="As it was asked: verb:token.")
    result: RequestResult
    message: Sentence = Field("", description="Why it was refused, what it waits for, or what is done.")
    time: Moment

    @property
    def verb(self) -> Verb | None:
        """None for a word that is none of ours."""
        return self.verb_of(self.request)

    @staticmethod
    def verb_of(request: str) -> Verb | None:
        """The verb of `verb:token`."""
        word = request.partition(":")[0]
        return Verb(word) if word in set(Verb) else None

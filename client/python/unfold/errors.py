"""What goes wrong, as exceptions."""

from __future__ import annotations

import typing

import grpc

from unfold.v1 import types_pb2

Answer = typing.TypeVar("Answer")


class UnfoldError(Exception):
    """A refused call: "problem (why) [what to do]", with its reason (docs/operations.md) and the field at fault."""

    def __init__(self, message: str, reason: str = "", field: str = "", code: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.field = field
        self.code = code


class JobFailed(UnfoldError):
    """A job that ended without success; `job` has its attempts."""

    def __init__(self, job: types_pb2.Job) -> None:
        state = types_pb2.JobState.Name(job.state).removeprefix("JOB_STATE_")
        error_class = types_pb2.ErrorClass.Name(job.error_class).removeprefix("ERROR_CLASS_")
        super().__init__(f"job {job.id}: {state} ({job.message or 'no message'})", reason=error_class)
        self.job = job


def call(method: typing.Callable[..., Answer], request: object, server: str, **how: object) -> Answer:
    """`method(request)`, its errors as UnfoldError."""
    try:
        return method(request, **how)
    except grpc.RpcError as problem:
        raise of_rpc(problem, server) from None


def of_rpc(problem: grpc.RpcError, server: str) -> UnfoldError:
    code = problem.code().name
    for key, value in problem.trailing_metadata() or ():
        if key == "unfold-error-bin":
            detail = types_pb2.ErrorDetail.FromString(value)
            return UnfoldError(problem.details(), detail.reason, detail.field, code)
    if code == "UNAVAILABLE":
        return UnfoldError(f"no scheduler answers at {server} ({problem.details()}) [start one with `unfold up`, or name another]",
                           "SERVER_UNREACHABLE", code=code)
    if code == "DEADLINE_EXCEEDED":
        return UnfoldError(f"the scheduler at {server} did not answer in time [see its log, or try again]", "NO_ANSWER", code=code)
    return UnfoldError(problem.details() or code, code=code)
